
/*
 * The switch that takes this nginx out of a load balancer: a file that exists,
 * of the directive "leaseloft_drain_file".
 */


#ifndef NGX_LEASELOFT_SWITCH_H
#define NGX_LEASELOFT_SWITCH_H


#include "ngx_leaseloft.h"


/* The handler of the directive: the file is relative to nginx.conf. */
char *ngx_leaseloft_switch_slot(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/*
 * NGX_OK: the file of the location exists; NGX_DECLINED: it does not, or none
 * is configured; NGX_ERROR: nginx cannot look for it, which is logged.
 */
ngx_int_t ngx_leaseloft_switch_on(ngx_http_request_t *r);


#endif /* NGX_LEASELOFT_SWITCH_H */
