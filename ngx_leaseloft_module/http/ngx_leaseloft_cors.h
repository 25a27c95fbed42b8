
/*
 * Origins (RFC 6454) and the CORS protocol (WHATWG Fetch, 3.2).
 */


#ifndef NGX_LEASELOFT_CORS_H
#define NGX_LEASELOFT_CORS_H


#include "ngx_leaseloft.h"


/*
 * 1 when the request has the Origin of another site, which
 * leaseloft_allow_origin does not allow
 */
ngx_uint_t ngx_leaseloft_cors_foreign(ngx_http_request_t *r);

/* 1 for a preflight request from an allowed origin */
ngx_uint_t ngx_leaseloft_cors_preflight(ngx_http_request_t *r);

/*
 * Adds the CORS headers of a response to an allowed origin, and Vary.  NGX_OK
 * or NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_cors_headers(ngx_http_request_t *r);

/* leaseloft_allow_origin SCHEME://HOST[:PORT] ... */
char *ngx_leaseloft_cors_allow_origin(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* NGX_LEASELOFT_CORS_H */
