
/*
 * Headers and query parameters of requests, headers of responses.
 */


#ifndef NGX_LEASELOFT_HEADER_H
#define NGX_LEASELOFT_HEADER_H


#include "ngx_leaseloft.h"


/*
 * Adds a header to the response.  name and the bytes of value are not copied
 * and must live as long as the request.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_header_add(ngx_http_request_t *r, char *name,
    ngx_str_t *value);

/* the value of the first request header of a lower-case name; NULL: none */
ngx_str_t *ngx_leaseloft_header_find(ngx_http_request_t *r, ngx_str_t *name);

/*
 * 1 when If-None-Match contains etag (with its quotes) or "*", by the weak
 * comparison (RFC 9110, 13.1.2), ignoring a coding's name appended by Apache
 */
ngx_uint_t ngx_leaseloft_header_etag_matches(ngx_http_request_t *r,
    ngx_str_t *etag);

/*
 * Sets value to a query parameter, unescaped, in r->pool.  NGX_OK, also for an
 * empty one; NGX_DECLINED: it is absent; or NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_header_arg(ngx_http_request_t *r, char *name,
    ngx_str_t *value);


#endif /* NGX_LEASELOFT_HEADER_H */
