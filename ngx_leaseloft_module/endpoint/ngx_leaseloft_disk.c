
/*
 * Redis tells nobody that its disk is full: with "appendfsync always" it ends
 * when it cannot write.  So nginx looks, if Redis is on its machine.
 */


#include "ngx_leaseloft_disk.h"


char *
ngx_leaseloft_disk_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char                       *rv;
    ngx_leaseloft_main_conf_t  *mcf = conf;

    rv = ngx_conf_set_str_slot(cf, cmd, conf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    return mcf->redis.dir.len && mcf->redis.dir.data[0] == '/'
           ? NGX_CONF_OK : "is not an absolute path";
}


/* 1 if Redis is on this machine, as far as its address tells */
static ngx_uint_t
ngx_leaseloft_disk_own(ngx_leaseloft_redis_conf_t *rcf)
{
    char  *host;

    if (rcf->cluster || rcf->primary.len) {
        return 0;
    }

    host = rcf->servers[0].host;

    return *host == '\0'
           || ngx_strcmp(host, "localhost") == 0
           || ngx_strcmp(host, "::1") == 0
           || ngx_strncmp(host, "127.", 4) == 0;
}


off_t
ngx_leaseloft_disk_free(ngx_leaseloft_redis_conf_t *rcf)
{
    if (rcf->dir.len == 0 || !ngx_leaseloft_disk_own(rcf)) {
        return NGX_MAX_OFF_T_VALUE;
    }

    /* the same if it cannot be looked at */

    return ngx_fs_available(rcf->dir.data);
}
