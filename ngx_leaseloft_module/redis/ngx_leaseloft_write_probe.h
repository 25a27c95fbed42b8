
/*
 * A write that changes nothing, by which nginx finds out whether Redis accepts
 * writes: XADD NOMKSTREAM to a key that never exists.  Redis replies nil, or
 * the error by which it refuses writes.
 */


#ifndef NGX_LEASELOFT_WRITE_PROBE_H
#define NGX_LEASELOFT_WRITE_PROBE_H


#include "ngx_leaseloft.h"


#define NGX_LEASELOFT_WRITE_PROBE_ARGS  6


/* sets the arguments; the key is named like channel, which must outlive them */
void ngx_leaseloft_write_probe_command(ngx_str_t *argv, ngx_str_t *channel);

/* 1 for the reply of a read-only replica to a write */
ngx_uint_t ngx_leaseloft_write_probe_demoted(redisReply *reply);


#endif /* NGX_LEASELOFT_WRITE_PROBE_H */
