
/*
 * Checks tokens.  Most are verified only once: valid ones are found in the
 * table of all processes, refused ones in one of this process.
 */


#ifndef NGX_LEASELOFT_TOKEN_CACHE_H
#define NGX_LEASELOFT_TOKEN_CACHE_H


#include "ngx_leaseloft_jwt.h"


/*
 * Creates what a process needs for that, freed with pool.  table is the zone of
 * valid tokens, zone counts verifications; either may be NULL.  NULL: no
 * memory, or no SHA-256.
 */
ngx_leaseloft_token_cache_t *ngx_leaseloft_token_cache_create(
    ngx_shm_zone_t *table, ngx_leaseloft_zone_t *zone, ngx_pool_t *pool,
    ngx_log_t *log);

/*
 * Verifies a token by the keys and the requirements of conf, or finds it in a
 * table.  NGX_OK: claims is set; NGX_DECLINED: it is invalid; or NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_token_cache_check(ngx_leaseloft_token_cache_t *tokens,
    ngx_leaseloft_loc_conf_t *conf, ngx_str_t *token,
    ngx_leaseloft_claims_t *claims, ngx_log_t *log);


#endif /* NGX_LEASELOFT_TOKEN_CACHE_H */
