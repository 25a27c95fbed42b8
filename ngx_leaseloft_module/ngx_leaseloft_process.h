
/*
 * The beginning and the end of a process of nginx.
 */


#ifndef NGX_LEASELOFT_PROCESS_H
#define NGX_LEASELOFT_PROCESS_H


#include "ngx_leaseloft.h"


/*
 * Called by nginx in each process; NGX_OK, also where no endpoint is
 * configured, or NGX_ERROR, by which the process ends.
 */
ngx_int_t ngx_leaseloft_process_init(ngx_cycle_t *cycle);

void ngx_leaseloft_process_exit(ngx_cycle_t *cycle);


#endif /* NGX_LEASELOFT_PROCESS_H */
