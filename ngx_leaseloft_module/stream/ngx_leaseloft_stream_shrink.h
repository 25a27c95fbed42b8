
/*
 * Frees memory that a long-lived request no longer needs.
 */


#ifndef NGX_LEASELOFT_STREAM_SHRINK_H
#define NGX_LEASELOFT_STREAM_SHRINK_H


#include "ngx_leaseloft.h"


/*
 * Frees the header buffers and the lists of request and response headers of an
 * HTTP/1 request whose response headers have been sent.  The request line is
 * copied to the pool for logs; variables of headers ($http_...,
 * $sent_http_...) are not found afterwards.  Returns NGX_OK, or NGX_DECLINED
 * for other requests, which are unchanged.
 */
ngx_int_t ngx_leaseloft_stream_shrink(ngx_http_request_t *r, ngx_pool_t *pool);

/* returns the bytes that this needs in the pool */
size_t ngx_leaseloft_stream_shrink_size(ngx_http_request_t *r);

/* frees the TLS buffer if all is sent; the next write allocates a new one */
void ngx_leaseloft_stream_shrink_ssl(ngx_http_request_t *r);


#endif /* NGX_LEASELOFT_STREAM_SHRINK_H */
