
/*
 * Writes: requests that are queued for the workers and held until one of them
 * answers (docs/data.md, "Requests" and "Verdicts").
 */


#ifndef NGX_LEASELOFT_WRITE_H
#define NGX_LEASELOFT_WRITE_H


#include "ngx_leaseloft.h"


/* a process that holds none yet */
void ngx_leaseloft_write_init(ngx_leaseloft_process_t *process);

/*
 * A message on this process's own reply channel: answers the request that it
 * names.  One for a request that is no longer held is dropped; payload need
 * not outlive the call.
 */
void ngx_leaseloft_write_verdict(ngx_leaseloft_process_t *process,
    ngx_str_t *payload);


#endif /* NGX_LEASELOFT_WRITE_H */
