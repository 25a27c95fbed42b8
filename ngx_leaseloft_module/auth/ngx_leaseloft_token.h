
/*
 * Who is asking: JSON Web Tokens (RFC 7519) from an Authorization header
 * (RFC 6750) or a cookie.
 */


#ifndef NGX_LEASELOFT_TOKEN_H
#define NGX_LEASELOFT_TOKEN_H


#include "ngx_leaseloft_token_cache.h"


/*
 * Reads and verifies the token of a request.  On NGX_OK user points into
 * r->pool and exp is the token's.  NGX_DECLINED: no token, or a bad one.
 */
ngx_int_t ngx_leaseloft_token_check(ngx_http_request_t *r, ngx_str_t *user,
    time_t *exp);

/*
 * The same, with all that the token says, and the token itself, which points
 * into the request's headers: that of a Bearer header if there is one, else the
 * first valid one of the cookies of the session's name.
 */
ngx_int_t ngx_leaseloft_token_read(ngx_http_request_t *r, ngx_str_t *token,
    ngx_leaseloft_claims_t *claims);

/* verifies a token by what the location demands; returns likewise */
ngx_int_t ngx_leaseloft_token_verify(ngx_http_request_t *r, ngx_str_t *token,
    ngx_leaseloft_claims_t *claims);

/* 1 when there is a cookie of the session's name, valid or not */
ngx_uint_t ngx_leaseloft_token_cookie(ngx_http_request_t *r);

/* 1 when the token is that of a Bearer header: the cookie does not count */
ngx_uint_t ngx_leaseloft_token_bearer(ngx_http_request_t *r);

/* $leaseloft_user */
ngx_int_t ngx_leaseloft_token_add_variables(ngx_conf_t *cf);

/* leaseloft_key FILE: reads the key and fixes the algorithm by what it is */
char *ngx_leaseloft_token_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


#endif /* NGX_LEASELOFT_TOKEN_H */
