
/*
 * The user of a request: the value of leaseloft_user where that is set, else
 * that of a JSON Web Token (RFC 7519) from an Authorization header (RFC 6750)
 * or a cookie.
 */


#ifndef NGX_LEASELOFT_TOKEN_H
#define NGX_LEASELOFT_TOKEN_H


#include "ngx_leaseloft_token_cache.h"


/*
 * Finds the user of a request.  NGX_OK: user is set, in r->pool, and exp, the
 * expiry of the token, which a value of leaseloft_user does not have before
 * the year 9999, and iat, when it was issued, or 0 if that is unknown;
 * NGX_DECLINED: there is none, or it is invalid, and refusal says why; or
 * NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_token_check(ngx_http_request_t *r, ngx_str_t *user,
    time_t *exp, time_t *iat, ngx_leaseloft_refusal_e *refusal);

/*
 * The same, but returns the claims and the token itself, which points into the
 * request's headers: that of a Bearer header if present, otherwise the first
 * valid one of the session cookies.
 */
ngx_int_t ngx_leaseloft_token_read(ngx_http_request_t *r, ngx_str_t *token,
    ngx_leaseloft_claims_t *claims);

/*
 * Verifies a token by the location's requirements; returns as above.  Where
 * leaseloft_user is set, none is valid.
 */
ngx_int_t ngx_leaseloft_token_verify(ngx_http_request_t *r, ngx_str_t *token,
    ngx_leaseloft_claims_t *claims);

/* 1 when the request has a session cookie, valid or not */
ngx_uint_t ngx_leaseloft_token_cookie(ngx_http_request_t *r);

/*
 * 1 when browsers send what identifies the user with requests of any page: a
 * cookie, or what leaseloft_user is made of
 */
ngx_uint_t ngx_leaseloft_token_is_ambient(ngx_http_request_t *r);

/* registers $leaseloft_user; NGX_OK or NGX_ERROR */
ngx_int_t ngx_leaseloft_token_add_variables(ngx_conf_t *cf);

/* leaseloft_key FILE, possibly several times: adds its keys */
char *ngx_leaseloft_token_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


#endif /* NGX_LEASELOFT_TOKEN_H */
