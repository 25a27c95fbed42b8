
/*
 * Problem documents (RFC 9457) that nginx makes itself.
 */


#ifndef NGX_LEASELOFT_PROBLEM_H
#define NGX_LEASELOFT_PROBLEM_H


#include "ngx_leaseloft.h"


#define NGX_LEASELOFT_PROBLEM_TYPE  "application/problem+json"


/*
 * The document for a status, in r->pool.  detail may be NULL for the usual
 * sentence, and is not looked at for 404: all of these are the same.
 */
ngx_int_t ngx_leaseloft_problem_create(ngx_http_request_t *r,
    ngx_uint_t status, char *detail, ngx_str_t *document);

/*
 * adds the headers that go with a status: Allow, WWW-Authenticate, Retry-After
 */
ngx_int_t ngx_leaseloft_problem_headers(ngx_http_request_t *r,
    ngx_uint_t status);


#endif /* NGX_LEASELOFT_PROBLEM_H */
