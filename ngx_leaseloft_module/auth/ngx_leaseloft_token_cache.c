
/*
 * A token is known by a digest of it and of the configuration that verifies it.
 * Valid ones are in a table that all processes share, until they expire or are
 * the least recently used; such a token costs a digest and a lookup.  Refused
 * ones are in a table of the process, where a new one replaces an older one, so
 * that they never replace valid ones.
 */


#include "ngx_leaseloft_token_cache.h"
#include "ngx_leaseloft_token_table.h"
#include "ngx_leaseloft_zone.h"

#include <openssl/evp.h>


#define NGX_LEASELOFT_TOKEN_CACHE_REFUSED_MAX  1024

/* seconds; the clock may be set back */
#define NGX_LEASELOFT_TOKEN_CACHE_REFUSED_TIME  60


typedef struct {
    u_char                      digest[NGX_LEASELOFT_DIGEST_LEN];
    time_t                      expires;
    ngx_leaseloft_refusal_e     refusal;
} ngx_leaseloft_refused_t;


struct ngx_leaseloft_token_cache_s {
    ngx_shm_zone_t             *table;     /* of valid tokens; or NULL */
    ngx_leaseloft_zone_t       *zone;      /* of counters; or NULL */
    ngx_leaseloft_refused_t    *refused;
    EVP_MD_CTX                 *md_ctx;
    const EVP_MD               *md;
};


static void ngx_leaseloft_token_cache_free(void *data);
static ngx_int_t ngx_leaseloft_token_cache_verify(
    ngx_leaseloft_token_cache_t *tokens, ngx_leaseloft_loc_conf_t *conf,
    ngx_str_t *token, u_char *digest, ngx_leaseloft_claims_t *claims,
    ngx_log_t *log);
static ngx_int_t ngx_leaseloft_token_cache_digest(
    ngx_leaseloft_token_cache_t *tokens, ngx_leaseloft_loc_conf_t *conf,
    ngx_str_t *token, u_char *digest);
static uint32_t ngx_leaseloft_token_cache_hash(u_char *digest);


ngx_leaseloft_token_cache_t *
ngx_leaseloft_token_cache_create(ngx_shm_zone_t *table,
    ngx_leaseloft_zone_t *zone, ngx_pool_t *pool, ngx_log_t *log)
{
    ngx_pool_cleanup_t           *cln;
    ngx_leaseloft_token_cache_t  *tokens;

    cln = ngx_pool_cleanup_add(pool, 0);
    tokens = ngx_pcalloc(pool, sizeof(ngx_leaseloft_token_cache_t));

    if (cln == NULL || tokens == NULL) {
        return NULL;
    }

    tokens->table = table;
    tokens->zone = zone;
    tokens->refused = ngx_pcalloc(pool, NGX_LEASELOFT_TOKEN_CACHE_REFUSED_MAX
                                        * sizeof(ngx_leaseloft_refused_t));

    if (tokens->refused == NULL) {
        return NULL;
    }

    /* OpenSSL 3 is slow to fetch an algorithm by name: do it once */
#if (OPENSSL_VERSION_NUMBER >= 0x30000000L)
    tokens->md = EVP_MD_fetch(NULL, "SHA256", NULL);
#else
    tokens->md = EVP_sha256();
#endif
    tokens->md_ctx = EVP_MD_CTX_new();

    cln->handler = ngx_leaseloft_token_cache_free;
    cln->data = tokens;

    if (tokens->md == NULL || tokens->md_ctx == NULL) {
        ngx_log_error(NGX_LOG_EMERG, log, 0, "leaseloft: no SHA-256");
        return NULL;
    }

    return tokens;
}


static void
ngx_leaseloft_token_cache_free(void *data)
{
    ngx_leaseloft_token_cache_t  *tokens = data;

    EVP_MD_CTX_free(tokens->md_ctx);

#if (OPENSSL_VERSION_NUMBER >= 0x30000000L)
    EVP_MD_free((EVP_MD *) tokens->md);
#endif
}


ngx_int_t
ngx_leaseloft_token_cache_check(ngx_leaseloft_token_cache_t *tokens,
    ngx_leaseloft_loc_conf_t *conf, ngx_str_t *token,
    ngx_leaseloft_claims_t *claims, ngx_log_t *log)
{
    u_char     digest[NGX_LEASELOFT_DIGEST_LEN];
    ngx_int_t  rc;

    if (!ngx_leaseloft_jwt_form(token)) {
        claims->refusal = NGX_LEASELOFT_REFUSAL_MALFORMED;
        return NGX_DECLINED;
    }

    if (ngx_leaseloft_token_cache_digest(tokens, conf, token, digest)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = NGX_DECLINED;

    if (tokens->table) {
        rc = ngx_leaseloft_token_table_find(tokens->table, digest, claims);
    }

    if (rc != NGX_OK) {
        rc = ngx_leaseloft_token_cache_verify(tokens, conf, token, digest,
                                              claims, log);
    }

    return rc;
}


/* verifies a token that is not in the table of valid ones */
static ngx_int_t
ngx_leaseloft_token_cache_verify(ngx_leaseloft_token_cache_t *tokens,
    ngx_leaseloft_loc_conf_t *conf, ngx_str_t *token, u_char *digest,
    ngx_leaseloft_claims_t *claims, ngx_log_t *log)
{
    ngx_int_t                 rc;
    ngx_leaseloft_refused_t  *refused;

    refused = &tokens->refused[ngx_leaseloft_token_cache_hash(digest)
                               % NGX_LEASELOFT_TOKEN_CACHE_REFUSED_MAX];

    if (refused->expires > ngx_time()
        && refused->expires
           <= ngx_time() + NGX_LEASELOFT_TOKEN_CACHE_REFUSED_TIME
        && ngx_memcmp(refused->digest, digest, NGX_LEASELOFT_DIGEST_LEN) == 0)
    {
        claims->refusal = refused->refusal;
        return NGX_DECLINED;
    }

    ngx_leaseloft_counters_add(tokens->zone, NGX_LEASELOFT_TOKENS_VERIFIED, 1);

    rc = ngx_leaseloft_jwt_verify(conf, token, claims, log);

    switch (rc) {

    case NGX_OK:

        if (tokens->table) {
            ngx_leaseloft_token_table_store(tokens->table, digest, claims);
        }

        return NGX_OK;

    case NGX_DECLINED:
        ngx_memcpy(refused->digest, digest, NGX_LEASELOFT_DIGEST_LEN);
        refused->expires = ngx_time() + NGX_LEASELOFT_TOKEN_CACHE_REFUSED_TIME;
        refused->refusal = claims->refusal;
        return NGX_DECLINED;

    case NGX_AGAIN:
        return NGX_DECLINED;

    default:
        return rc;
    }
}


/*
 * Each part is preceded by its length, so that different configurations and
 * tokens never yield the same input.
 */
static ngx_int_t
ngx_leaseloft_token_cache_digest(ngx_leaseloft_token_cache_t *tokens,
    ngx_leaseloft_loc_conf_t *conf, ngx_str_t *token, u_char *digest)
{
    EVP_MD_CTX  *ctx;
    uint64_t     head[3];

    ctx = tokens->md_ctx;

    head[0] = conf->leeway;
    head[1] = conf->issuer.len;
    head[2] = conf->audience.len;

    if (EVP_DigestInit_ex(ctx, tokens->md, NULL) != 1
        || EVP_DigestUpdate(ctx, conf->keys->id, NGX_LEASELOFT_DIGEST_LEN) != 1
        || EVP_DigestUpdate(ctx, head, sizeof(head)) != 1
        || EVP_DigestUpdate(ctx, conf->issuer.data, conf->issuer.len) != 1
        || EVP_DigestUpdate(ctx, conf->audience.data, conf->audience.len) != 1
        || EVP_DigestUpdate(ctx, token->data, token->len) != 1
        || EVP_DigestFinal_ex(ctx, digest, NULL) != 1)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static uint32_t
ngx_leaseloft_token_cache_hash(u_char *digest)
{
    uint32_t  hash;

    ngx_memcpy(&hash, digest, sizeof(hash));

    return hash;
}
