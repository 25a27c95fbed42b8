
/*
 * Origins (RFC 6454) and the CORS protocol (WHATWG Fetch, 3.2).
 */


#ifndef NGX_LEASELOFT_CORS_H
#define NGX_LEASELOFT_CORS_H


#include "ngx_leaseloft.h"


/*
 * 1 when the request says that it comes from a page of another origin, to
 * which leaseloft_allow_origin allows nothing
 */
ngx_uint_t ngx_leaseloft_cors_foreign(ngx_http_request_t *r);

/* 1 for a preflight of an allowed origin */
ngx_uint_t ngx_leaseloft_cors_preflight(ngx_http_request_t *r);

/* what a page of an allowed origin needs in a response, and Vary */
ngx_int_t ngx_leaseloft_cors_headers(ngx_http_request_t *r);

/* leaseloft_allow_origin SCHEME://HOST[:PORT] ... */
char *ngx_leaseloft_cors_allow_origin(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* NGX_LEASELOFT_CORS_H */
