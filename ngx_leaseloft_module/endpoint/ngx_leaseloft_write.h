
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
 * A message on this process's own reply channel: answers the requests that it
 * names.  Verdicts on requests that are no longer held are dropped; payload
 * need not outlive the call.
 */
void ngx_leaseloft_write_verdicts(ngx_leaseloft_process_t *process,
    ngx_str_t *payload);


#endif /* NGX_LEASELOFT_WRITE_H */
