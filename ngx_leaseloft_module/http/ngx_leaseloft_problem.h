
/*
 * Problem documents (RFC 9457) created by nginx.
 */


#ifndef NGX_LEASELOFT_PROBLEM_H
#define NGX_LEASELOFT_PROBLEM_H


#include "ngx_leaseloft.h"


#define NGX_LEASELOFT_PROBLEM_TYPE  "application/problem+json"


/*
 * Creates the document for a status, in r->pool.  detail may be NULL for the
 * default sentence; it is ignored for 404, as all of these must be equal.
 * NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_problem_create(ngx_http_request_t *r,
    ngx_uint_t status, const char *detail, ngx_str_t *document);

/*
 * Adds the headers that belong to a status: Allow, WWW-Authenticate,
 * Retry-After.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_problem_headers(ngx_http_request_t *r,
    ngx_uint_t status);


#endif /* NGX_LEASELOFT_PROBLEM_H */
