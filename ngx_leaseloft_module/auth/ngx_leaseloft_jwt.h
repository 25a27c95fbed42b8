
/*
 * Signed tokens (RFC 7515, RFC 7519).
 */


#ifndef NGX_LEASELOFT_JWT_H
#define NGX_LEASELOFT_JWT_H


#include "ngx_leaseloft_counters.h"
#include "ngx_leaseloft_signature.h"


/* the latest expiry: the last second of the year 9999 */
#define NGX_LEASELOFT_JWT_TIME_MAX  253402300799


/* the claims of a token that are used */
typedef struct {
    u_char                      user[LL_ID_MAX];
    size_t                      user_len;
    time_t                      exp;       /* leeway included */
    time_t                      iat;       /* 0: none */
    ngx_leaseloft_refusal_e     refusal;   /* set if the token is refused */
} ngx_leaseloft_claims_t;


/*
 * 1 when a token is well-formed: three parts of base64url, none empty, at most
 * NGX_LEASELOFT_JWT_MAX bytes
 */
ngx_uint_t ngx_leaseloft_jwt_form(ngx_str_t *token);

/*
 * Verifies the signature and the claims of a well-formed token by the keys and
 * the requirements of conf.  NGX_OK; NGX_DECLINED: it is invalid for good;
 * NGX_AGAIN: it is not valid yet; NGX_ERROR.  Reasons are logged, and in
 * claims->refusal.
 */
ngx_int_t ngx_leaseloft_jwt_verify(ngx_leaseloft_loc_conf_t *conf,
    ngx_str_t *token, ngx_leaseloft_claims_t *claims, ngx_log_t *log);

/*
 * Sets name to the claim "name" of a verified token, as a JSON string in pool;
 * "null" if it is absent or empty.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_jwt_name(ngx_pool_t *pool, ngx_str_t *token,
    ngx_str_t *name);


#endif /* NGX_LEASELOFT_JWT_H */
