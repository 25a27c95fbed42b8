
/*
 * The module's context of a request (ngx_leaseloft_ctx_t).
 */


#ifndef NGX_LEASELOFT_CTX_H
#define NGX_LEASELOFT_CTX_H


#include "ngx_leaseloft.h"


/* the request's context, created if it has none; NULL: no memory */
ngx_leaseloft_ctx_t *ngx_leaseloft_ctx_get(ngx_http_request_t *r);


#endif /* NGX_LEASELOFT_CTX_H */
