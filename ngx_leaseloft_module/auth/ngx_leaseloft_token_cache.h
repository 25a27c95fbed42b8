
/*
 * The cache of verified and refused tokens of a process, so that most tokens
 * are verified only once.
 */


#ifndef NGX_LEASELOFT_TOKEN_CACHE_H
#define NGX_LEASELOFT_TOKEN_CACHE_H


#include "ngx_leaseloft_jwt.h"


/* the most valid tokens in the cache; about 100 bytes each */
#define NGX_LEASELOFT_TOKENS  16384


/* creates the cache, freed with pool; NULL: no memory, or no SHA-256 */
ngx_leaseloft_token_cache_t *ngx_leaseloft_token_cache_create(ngx_pool_t *pool,
    ngx_log_t *log);

/*
 * Verifies a token by the key and the requirements of conf, or finds it in the
 * cache.  NGX_OK: claims is set; NGX_DECLINED: it is invalid; or NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_token_cache_check(ngx_leaseloft_token_cache_t *tokens,
    ngx_leaseloft_loc_conf_t *conf, ngx_str_t *token,
    ngx_leaseloft_claims_t *claims, ngx_log_t *log);


#endif /* NGX_LEASELOFT_TOKEN_CACHE_H */
