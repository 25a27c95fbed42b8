
/*
 * What all endpoints have in common: the checks in the order of docs/http.md.
 */


#ifndef NGX_LEASELOFT_REQUEST_H
#define NGX_LEASELOFT_REQUEST_H


#include "ngx_leaseloft.h"


/* method, token, origin, property; leaves a refusal in ctx->status */
ngx_int_t ngx_leaseloft_preaccess_handler(ngx_http_request_t *r);

/* answers the refusal, or calls the endpoint; the location's content handler */
ngx_int_t ngx_leaseloft_content_handler(ngx_http_request_t *r);


#endif /* NGX_LEASELOFT_REQUEST_H */
