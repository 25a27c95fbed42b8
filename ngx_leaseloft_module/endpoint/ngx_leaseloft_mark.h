
/*
 * Read marks: POST .../read.
 */


#ifndef NGX_LEASELOFT_MARK_H
#define NGX_LEASELOFT_MARK_H


#include "ngx_leaseloft.h"


/* initializes the marks of a process */
void ngx_leaseloft_mark_init(ngx_leaseloft_process_t *process);


#endif /* NGX_LEASELOFT_MARK_H */
