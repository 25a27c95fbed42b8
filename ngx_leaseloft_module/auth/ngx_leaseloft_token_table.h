
/*
 * The table of valid tokens, in shared memory: a token that one nginx process
 * has verified is not verified again by another.
 *
 * A token is known by a digest of it and of all that it was verified by, so
 * that other keys or requirements, for example after a reload, find nothing.
 * The token itself is not stored.
 */


#ifndef NGX_LEASELOFT_TOKEN_TABLE_H
#define NGX_LEASELOFT_TOKEN_TABLE_H


#include "ngx_leaseloft_jwt.h"


/*
 * Adds the zone of the table, half as large as leaseloft_zone, to the
 * configuration and sets mcf->tokens.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_token_table_add(ngx_conf_t *cf,
    ngx_leaseloft_main_conf_t *mcf);

/* lays the table out in a new zone, or inherits it: the zone's init callback */
ngx_int_t ngx_leaseloft_token_table_init(ngx_shm_zone_t *zone, void *data);

/*
 * Finds a token by its digest, of NGX_LEASELOFT_DIGEST_LEN bytes, which makes
 * it the most recently used.  NGX_OK: claims is set; NGX_DECLINED: it is not in
 * the table, or has expired.
 */
ngx_int_t ngx_leaseloft_token_table_find(ngx_shm_zone_t *zone, u_char *digest,
    ngx_leaseloft_claims_t *claims);

/*
 * Adds a token that has just been verified.  It replaces the least recently
 * used one if the table is full.
 */
void ngx_leaseloft_token_table_store(ngx_shm_zone_t *zone, u_char *digest,
    ngx_leaseloft_claims_t *claims);


#endif /* NGX_LEASELOFT_TOKEN_TABLE_H */
