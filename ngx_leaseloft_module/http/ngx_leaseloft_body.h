
/*
 * Request bodies.
 */


#ifndef NGX_LEASELOFT_BODY_H
#define NGX_LEASELOFT_BODY_H


#include "ngx_leaseloft.h"


/*
 * Reads a JSON body of at most NGX_LEASELOFT_BODY bytes into r->pool, never by
 * way of a file; answers 408, 413 and 415 by itself.  done gets it, and returns
 * what a content handler returns.  To be returned by the content handler.
 *
 * Of a request that was refused before, done is not called: the refusal is
 * sent, once the body is there.
 */
#define NGX_LEASELOFT_BODY  65536

ngx_int_t ngx_leaseloft_body_read(ngx_http_request_t *r,
    ngx_int_t (*done)(ngx_http_request_t *r, ngx_str_t *body));


#endif /* NGX_LEASELOFT_BODY_H */
