
/*
 * The file is looked for at each health request, by its name: creating or
 * removing it needs no reload, and it is still there after one.
 */


#include "ngx_leaseloft_switch.h"


char *
ngx_leaseloft_switch_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char                      *rv;
    ngx_leaseloft_loc_conf_t  *llcf = conf;

    rv = ngx_conf_set_str_slot(cf, cmd, conf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (llcf->drain_file.len == 0) {
        return "is empty";
    }

    return ngx_conf_full_name(cf->cycle, &llcf->drain_file, 1) == NGX_OK
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


ngx_int_t
ngx_leaseloft_switch_on(ngx_http_request_t *r)
{
    ngx_err_t                  err;
    ngx_file_info_t            info;
    ngx_leaseloft_loc_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);

    if (conf->drain_file.len == 0) {
        return NGX_DECLINED;
    }

    if (ngx_file_info(conf->drain_file.data, &info) != NGX_FILE_ERROR) {
        return NGX_OK;
    }

    err = ngx_errno;

    if (err == NGX_ENOENT || err == NGX_ENOTDIR) {
        return NGX_DECLINED;
    }

    ngx_log_error(NGX_LOG_CRIT, r->connection->log, err,
                  ngx_file_info_n " \"%V\" failed", &conf->drain_file);

    return NGX_ERROR;
}
