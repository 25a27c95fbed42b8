
/*
 * Tokens that were seen before, good and bad ones, so that most need not be
 * verified again.
 */


#ifndef NGX_LEASELOFT_TOKEN_CACHE_H
#define NGX_LEASELOFT_TOKEN_CACHE_H


#include "ngx_leaseloft_jwt.h"


/* the most good tokens that a process remembers; about 100 bytes each */
#define NGX_LEASELOFT_TOKENS  16384


/* freed with pool; NULL: no memory, or no SHA-256 in OpenSSL */
ngx_leaseloft_token_cache_t *ngx_leaseloft_token_cache_create(ngx_pool_t *pool,
    ngx_log_t *log);

/*
 * Verifies a token by the key and the other demands of conf.  NGX_OK;
 * NGX_DECLINED: it is bad; NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_token_cache_check(ngx_leaseloft_token_cache_t *tokens,
    ngx_leaseloft_loc_conf_t *conf, ngx_str_t *token,
    ngx_leaseloft_claims_t *claims, ngx_log_t *log);


#endif /* NGX_LEASELOFT_TOKEN_CACHE_H */
