
/*
 * Reading of request bodies.
 */


#ifndef NGX_LEASELOFT_BODY_H
#define NGX_LEASELOFT_BODY_H


#include "ngx_leaseloft.h"


/* the largest body, in bytes */
#define NGX_LEASELOFT_BODY  65536


/*
 * Reads a JSON body of at most NGX_LEASELOFT_BODY bytes into r->pool, without a
 * temporary file, and calls done with it, which returns what a content handler
 * returns.  Sends 408, 413 and 415 itself.  The content handler returns the
 * value of this function.
 *
 * If the request is already refused (ctx->status), done is not called: the
 * refusal is sent after the body has been read.
 */
ngx_int_t ngx_leaseloft_body_read(ngx_http_request_t *r,
    ngx_int_t (*done)(ngx_http_request_t *r, ngx_str_t *body));


#endif /* NGX_LEASELOFT_BODY_H */
