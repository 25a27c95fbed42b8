
/*
 * Headers and parameters of requests, headers of responses.
 */


#ifndef NGX_LEASELOFT_HEADER_H
#define NGX_LEASELOFT_HEADER_H


#include "ngx_leaseloft.h"


/*
 * Adds a header to the response.  name is a constant; value is copied, its
 * bytes are not.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_header_add(ngx_http_request_t *r, char *name,
    ngx_str_t *value);

/* the first request header of this name, in lower case; NULL: none */
ngx_str_t *ngx_leaseloft_header_find(ngx_http_request_t *r, ngx_str_t *name);

/*
 * 1 when If-None-Match names etag, quotes included, compared weakly (RFC 9110,
 * 13.1.2) and without the coding that Apache adds to it
 */
ngx_uint_t ngx_leaseloft_header_etag_matches(ngx_http_request_t *r,
    ngx_str_t *etag);

/*
 * The query parameter, unescaped into r->pool.  NGX_OK, NGX_DECLINED when it
 * is absent (an empty one is present), NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_header_arg(ngx_http_request_t *r, char *name,
    ngx_str_t *value);


#endif /* NGX_LEASELOFT_HEADER_H */
