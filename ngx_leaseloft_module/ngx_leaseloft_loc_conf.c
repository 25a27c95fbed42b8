
/*
 * The configuration of a location: defaults, inheritance and bounds.  It
 * belongs to the cycle's pool.
 */


#include "ngx_leaseloft_loc_conf.h"
#include "ngx_leaseloft_request.h"
#include "ngx_leaseloft_signer.h"


static char *ngx_leaseloft_loc_conf_check(ngx_conf_t *cf,
    ngx_leaseloft_loc_conf_t *conf);


void *
ngx_leaseloft_loc_conf_create(ngx_conf_t *cf)
{
    ngx_leaseloft_loc_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_leaseloft_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    conf->keys = NGX_CONF_UNSET_PTR;
    conf->user = NGX_CONF_UNSET_PTR;
    conf->leeway = NGX_CONF_UNSET;
    conf->origin = NGX_CONF_UNSET_PTR;
    conf->origins = NGX_CONF_UNSET_PTR;
    conf->signer = NGX_CONF_UNSET_PTR;
    conf->ping = NGX_CONF_UNSET_MSEC;
    conf->wait = NGX_CONF_UNSET_MSEC;
    conf->body_timeout = NGX_CONF_UNSET_MSEC;
    conf->linger = NGX_CONF_UNSET_MSEC;
    conf->slow_timeout = NGX_CONF_UNSET_MSEC;
    conf->slow_size = NGX_CONF_UNSET_SIZE;
    conf->max_streams = NGX_CONF_UNSET_UINT;

    return conf;
}


char *
ngx_leaseloft_loc_conf_merge(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_leaseloft_loc_conf_t *prev = parent;
    ngx_leaseloft_loc_conf_t *conf = child;

    ngx_http_core_loc_conf_t  *clcf;

    ngx_conf_merge_ptr_value(conf->keys, prev->keys, NULL);
    ngx_conf_merge_ptr_value(conf->user, prev->user, NULL);
    ngx_conf_merge_str_value(conf->issuer, prev->issuer, "");
    ngx_conf_merge_str_value(conf->audience, prev->audience, "");
    ngx_conf_merge_sec_value(conf->leeway, prev->leeway, 0);
    ngx_conf_merge_str_value(conf->cookie, prev->cookie, "leaseloft_session");
    ngx_conf_merge_ptr_value(conf->origin, prev->origin, NULL);
    ngx_conf_merge_ptr_value(conf->origins, prev->origins, NULL);
    ngx_conf_merge_str_value(conf->drain_file, prev->drain_file, "");
    ngx_conf_merge_msec_value(conf->ping, prev->ping, 15000);
    ngx_conf_merge_msec_value(conf->wait, prev->wait, 2000);
    ngx_conf_merge_msec_value(conf->body_timeout, prev->body_timeout, 60000);
    ngx_conf_merge_msec_value(conf->linger, prev->linger, 30000);
    ngx_conf_merge_msec_value(conf->slow_timeout, prev->slow_timeout, 60000);
    ngx_conf_merge_size_value(conf->slow_size, prev->slow_size, 1024 * 1024);
    ngx_conf_merge_uint_value(conf->max_streams, prev->max_streams, 20);

    /* "if" and "limit_except" inherit the endpoints of their location */

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->noname && clcf->handler == NULL && prev->endpoints[0]) {
        ngx_memcpy(conf->endpoints, prev->endpoints, sizeof(conf->endpoints));
        conf->property = prev->property;
        clcf->handler = ngx_leaseloft_request_content;
    }

    if (ngx_leaseloft_signer_merge(cf, prev, conf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_leaseloft_loc_conf_check(cf, conf);
}


/* errors of nginx's own checks of bounds do not name the directive */
static char *
ngx_leaseloft_loc_conf_check(ngx_conf_t *cf, ngx_leaseloft_loc_conf_t *conf)
{
    u_char      *p, *last;
    ngx_uint_t   i;

    last = conf->cookie.data + conf->cookie.len;

    for (p = conf->cookie.data; p < last; p++) {
        if (*p <= ' ' || *p >= 0x7f
            || ngx_strchr("()<>@,;:\\\"/[]?={}", *p) != NULL)
        {
            break;
        }
    }

    if (p < last || conf->cookie.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"leaseloft_cookie\" must be the name of a "
                           "cookie, without spaces and separators");
        return NGX_CONF_ERROR;
    }

    if (conf->max_streams < 1 || conf->max_streams > 1000000) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"leaseloft_max_streams\" must be 1 to 1000000");
        return NGX_CONF_ERROR;
    }

    if (conf->ping == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"leaseloft_ping\" must not be 0, "
                           "clients rely on pings to find a dead connection");
        return NGX_CONF_ERROR;
    }

    if (conf->body_timeout == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"leaseloft_body_timeout\" must not be 0, "
                           "a body needs some time to arrive");
        return NGX_CONF_ERROR;
    }

    if (conf->slow_timeout == 0 || conf->slow_size == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"leaseloft_slow_timeout\" and "
                           "\"leaseloft_slow_size\" must not be 0, "
                           "slow clients would never be disconnected");
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < NGX_LEASELOFT_ENDPOINTS; i++) {

        if (conf->endpoints[i] && conf->endpoints[i]->user
            && conf->keys == NULL && conf->user == NULL)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "endpoints of leaseloft require "
                               "\"leaseloft_key\" to verify tokens, or "
                               "\"leaseloft_user\", "
                               "set it in this location or above");
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}
