
/*
 * What a request that is held for days does not need any more is given back.
 */


#ifndef NGX_LEASELOFT_STREAM_SHRINK_H
#define NGX_LEASELOFT_STREAM_SHRINK_H


#include "ngx_leaseloft.h"


/*
 * Frees the header buffers and the lists of headers in both directions, of a
 * request over HTTP/1 whose response headers have been sent.  The request line
 * stays, so that logs have it; variables of headers ($http_..., $sent_http_...)
 * are not found from then on.  The line is put into pool.  NGX_OK, or
 * NGX_DECLINED for other requests, to which nothing is done.
 */
ngx_int_t ngx_leaseloft_stream_shrink(ngx_http_request_t *r, ngx_pool_t *pool);

/* what this takes of pool */
size_t ngx_leaseloft_stream_shrink_size(ngx_http_request_t *r);

/* the buffer of TLS, while nothing is unsent; the next write has a new one */
void ngx_leaseloft_stream_shrink_ssl(ngx_http_request_t *r);


#endif /* NGX_LEASELOFT_STREAM_SHRINK_H */
