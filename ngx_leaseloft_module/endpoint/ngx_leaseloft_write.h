
/*
 * Writes: requests that are queued for the workers and held until one of them
 * answers (docs/data.md, "Requests" and "Verdicts").
 */


#ifndef NGX_LEASELOFT_WRITE_H
#define NGX_LEASELOFT_WRITE_H


#include "ngx_leaseloft.h"


/* a process that holds none yet; process->link is there */
void ngx_leaseloft_write_init(ngx_leaseloft_process_t *process);


#endif /* NGX_LEASELOFT_WRITE_H */
