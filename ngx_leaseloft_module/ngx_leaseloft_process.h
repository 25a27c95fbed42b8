
/*
 * Start and exit of a process of nginx.
 */


#ifndef NGX_LEASELOFT_PROCESS_H
#define NGX_LEASELOFT_PROCESS_H


#include "ngx_leaseloft.h"


/*
 * Called by nginx with each new configuration, also by "nginx -t": warns of
 * what the configuration of its core does to the module.  NGX_OK.
 */
ngx_int_t ngx_leaseloft_process_check(ngx_cycle_t *cycle);

/*
 * Called by nginx when a process starts.  Returns NGX_OK, also if no endpoint
 * is configured, or NGX_ERROR, after which the process exits.
 */
ngx_int_t ngx_leaseloft_process_init(ngx_cycle_t *cycle);

/* called by nginx when a process exits */
void ngx_leaseloft_process_exit(ngx_cycle_t *cycle);


#endif /* NGX_LEASELOFT_PROCESS_H */
