
/*
 * The directive leaseloft_redis: unix:PATH or
 * redis://[USER:PASSWORD@]HOST[:PORT].
 */


#ifndef NGX_LEASELOFT_URL_H
#define NGX_LEASELOFT_URL_H


#include "ngx_leaseloft.h"


/* sets the ngx_leaseloft_redis_conf_t at cmd->offset */
char *ngx_leaseloft_url_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * Checks the URL against the other directives, once all are known, and sets the
 * password.  NGX_OK, or NGX_ERROR after an error, which is logged.
 */
ngx_int_t ngx_leaseloft_url_complete(ngx_conf_t *cf,
    ngx_leaseloft_redis_conf_t *rcf);

/*
 * Resolves host names once, if the http block has no resolver.  NGX_OK, or
 * NGX_ERROR after an error, which is logged.
 */
ngx_int_t ngx_leaseloft_url_resolve(ngx_conf_t *cf,
    ngx_leaseloft_main_conf_t *mcf);


#endif /* NGX_LEASELOFT_URL_H */
