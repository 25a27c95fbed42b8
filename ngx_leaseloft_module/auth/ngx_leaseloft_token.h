
/*
 * The user of a request: JSON Web Tokens (RFC 7519) from an Authorization
 * header (RFC 6750) or a cookie.
 */


#ifndef NGX_LEASELOFT_TOKEN_H
#define NGX_LEASELOFT_TOKEN_H


#include "ngx_leaseloft_token_cache.h"


/*
 * Reads and verifies the token of a request.  NGX_OK: user is set, in r->pool,
 * and exp, the token's expiry; NGX_DECLINED: no token, or an invalid one; or
 * NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_token_check(ngx_http_request_t *r, ngx_str_t *user,
    time_t *exp);

/*
 * The same, but returns the claims and the token itself, which points into the
 * request's headers: that of a Bearer header if present, otherwise the first
 * valid one of the session cookies.
 */
ngx_int_t ngx_leaseloft_token_read(ngx_http_request_t *r, ngx_str_t *token,
    ngx_leaseloft_claims_t *claims);

/* verifies a token by the location's requirements; returns as above */
ngx_int_t ngx_leaseloft_token_verify(ngx_http_request_t *r, ngx_str_t *token,
    ngx_leaseloft_claims_t *claims);

/* 1 when the request has a session cookie, valid or not */
ngx_uint_t ngx_leaseloft_token_cookie(ngx_http_request_t *r);

/* 1 when the token is from a Bearer header, so that cookies are ignored */
ngx_uint_t ngx_leaseloft_token_bearer(ngx_http_request_t *r);

/* registers $leaseloft_user; NGX_OK or NGX_ERROR */
ngx_int_t ngx_leaseloft_token_add_variables(ngx_conf_t *cf);

/* leaseloft_key FILE, possibly several times: adds its keys */
char *ngx_leaseloft_token_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


#endif /* NGX_LEASELOFT_TOKEN_H */
