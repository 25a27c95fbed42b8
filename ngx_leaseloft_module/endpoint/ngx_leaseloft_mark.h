
/*
 * Read marks: POST .../read.
 */


#ifndef NGX_LEASELOFT_MARK_H
#define NGX_LEASELOFT_MARK_H


#include "ngx_leaseloft.h"


/* a process that has no marks yet */
void ngx_leaseloft_mark_init(ngx_leaseloft_process_t *process);


#endif /* NGX_LEASELOFT_MARK_H */
