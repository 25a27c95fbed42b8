
/*
 * How a stream begins.
 */


#ifndef NGX_LEASELOFT_STREAM_OPEN_H
#define NGX_LEASELOFT_STREAM_OPEN_H


#include "ngx_leaseloft_stream.h"


/*
 * Holds the request for a stream of size bytes, the first of which are a
 * ngx_leaseloft_stream_t.  NULL: no memory.
 */
ngx_leaseloft_stream_t *ngx_leaseloft_stream_open_create(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx, const ngx_leaseloft_stream_kind_t *kind,
    size_t size);

/* the first bytes: headers, "retry", "hello" with data, and with id if any */
ngx_int_t ngx_leaseloft_stream_open_start(ngx_leaseloft_stream_t *stream,
    ngx_str_t *id, ngx_str_t *data, ngx_uint_t pieces);


#endif /* NGX_LEASELOFT_STREAM_OPEN_H */
