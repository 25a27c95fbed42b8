
/*
 * The key of an entry is a digest of the token and of the configuration that
 * verifies it.  A valid token is cached until it expires or is evicted as the
 * least recently used; it then costs a digest and a lookup.  Refused tokens are
 * cached in a separate table of fixed size, where a new one replaces an older
 * one, so that they never evict valid ones.
 */


#include "ngx_leaseloft_token_cache.h"

#include <openssl/evp.h>


/* powers of two */
#define NGX_LEASELOFT_TOKEN_CACHE_BUCKETS  8192
#define NGX_LEASELOFT_TOKEN_CACHE_REFUSED_MAX  1024

/* seconds; the clock may be set back */
#define NGX_LEASELOFT_TOKEN_CACHE_REFUSED_TIME  60


typedef struct ngx_leaseloft_token_s  ngx_leaseloft_token_t;

struct ngx_leaseloft_token_s {
    ngx_leaseloft_token_t      *next;      /* in its bucket */
    ngx_queue_t                 queue;     /* by use */
    u_char                      digest[NGX_LEASELOFT_DIGEST_LEN];
    time_t                      exp;
    u_char                      len;
    u_char                      user[1];   /* LL_ID_MAX at most */
};


typedef struct {
    u_char                      digest[NGX_LEASELOFT_DIGEST_LEN];
    time_t                      expires;
} ngx_leaseloft_refused_t;


struct ngx_leaseloft_token_cache_s {
    ngx_leaseloft_token_t     **buckets;
    ngx_queue_t                 used;      /* most recently used first */
    ngx_uint_t                  n;
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
static ngx_leaseloft_token_t *ngx_leaseloft_token_cache_lookup(
    ngx_leaseloft_token_cache_t *tokens, u_char *digest);
static void ngx_leaseloft_token_cache_remember(
    ngx_leaseloft_token_cache_t *tokens, u_char *digest,
    ngx_leaseloft_claims_t *claims, ngx_log_t *log);
static ngx_leaseloft_token_t *ngx_leaseloft_token_cache_oldest(
    ngx_leaseloft_token_cache_t *tokens);
static void ngx_leaseloft_token_cache_forget(
    ngx_leaseloft_token_cache_t *tokens, ngx_leaseloft_token_t *t);


ngx_leaseloft_token_cache_t *
ngx_leaseloft_token_cache_create(ngx_pool_t *pool, ngx_log_t *log)
{
    ngx_pool_cleanup_t           *cln;
    ngx_leaseloft_token_cache_t  *tokens;

    cln = ngx_pool_cleanup_add(pool, 0);
    tokens = ngx_pcalloc(pool, sizeof(ngx_leaseloft_token_cache_t));

    if (cln == NULL || tokens == NULL) {
        return NULL;
    }

    tokens->buckets = ngx_pcalloc(pool, NGX_LEASELOFT_TOKEN_CACHE_BUCKETS
                                        * sizeof(ngx_leaseloft_token_t *));
    tokens->refused = ngx_pcalloc(pool, NGX_LEASELOFT_TOKEN_CACHE_REFUSED_MAX
                                        * sizeof(ngx_leaseloft_refused_t));

    if (tokens->buckets == NULL || tokens->refused == NULL) {
        return NULL;
    }

    /* OpenSSL 3 is slow to fetch an algorithm by name: do it once */
#if (OPENSSL_VERSION_NUMBER >= 0x30000000L)
    tokens->md = EVP_MD_fetch(NULL, "SHA256", NULL);
#else
    tokens->md = EVP_sha256();
#endif
    tokens->md_ctx = EVP_MD_CTX_new();

    ngx_queue_init(&tokens->used);

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

    while (tokens->n) {
        ngx_leaseloft_token_cache_forget(tokens,
                                     ngx_leaseloft_token_cache_oldest(tokens));
    }

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
    u_char                  digest[NGX_LEASELOFT_DIGEST_LEN];
    ngx_leaseloft_token_t  *t;

    if (!ngx_leaseloft_jwt_form(token)) {
        return NGX_DECLINED;
    }

    if (ngx_leaseloft_token_cache_digest(tokens, conf, token, digest)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    t = ngx_leaseloft_token_cache_lookup(tokens, digest);

    if (t == NULL) {
        return ngx_leaseloft_token_cache_verify(tokens, conf, token, digest,
                                                claims, log);
    }

    claims->exp = t->exp;
    claims->user_len = t->len;
    ngx_memcpy(claims->user, t->user, t->len);

    return NGX_OK;
}


/* verifies a token that is not in the cache of valid ones */
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
        return NGX_DECLINED;
    }

    rc = ngx_leaseloft_jwt_verify(conf, token, claims, log);

    switch (rc) {

    case NGX_OK:
        ngx_leaseloft_token_cache_remember(tokens, digest, claims, log);
        return NGX_OK;

    case NGX_DECLINED:
        ngx_memcpy(refused->digest, digest, NGX_LEASELOFT_DIGEST_LEN);
        refused->expires = ngx_time() + NGX_LEASELOFT_TOKEN_CACHE_REFUSED_TIME;
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
    uint64_t     head[4];

    ctx = tokens->md_ctx;

    head[0] = conf->key->alg;
    head[1] = conf->leeway;
    head[2] = conf->issuer.len;
    head[3] = conf->audience.len;

    if (EVP_DigestInit_ex(ctx, tokens->md, NULL) != 1
        || EVP_DigestUpdate(ctx, conf->key->id, NGX_LEASELOFT_DIGEST_LEN) != 1
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


static ngx_leaseloft_token_t *
ngx_leaseloft_token_cache_lookup(ngx_leaseloft_token_cache_t *tokens,
    u_char *digest)
{
    ngx_leaseloft_token_t  *t;

    t = tokens->buckets[ngx_leaseloft_token_cache_hash(digest)
                        % NGX_LEASELOFT_TOKEN_CACHE_BUCKETS];

    while (t && ngx_memcmp(t->digest, digest, NGX_LEASELOFT_DIGEST_LEN) != 0) {
        t = t->next;
    }

    if (t == NULL) {
        return NULL;
    }

    if (t->exp <= ngx_time()) {
        ngx_leaseloft_token_cache_forget(tokens, t);
        return NULL;
    }

    ngx_queue_remove(&t->queue);
    ngx_queue_insert_head(&tokens->used, &t->queue);

    return t;
}


/* caches a valid token; without memory it is just not cached */
static void
ngx_leaseloft_token_cache_remember(ngx_leaseloft_token_cache_t *tokens,
    u_char *digest, ngx_leaseloft_claims_t *claims, ngx_log_t *log)
{
    ngx_leaseloft_token_t   *t, **bucket;

    if (tokens->n == NGX_LEASELOFT_TOKENS) {
        ngx_leaseloft_token_cache_forget(tokens,
                                     ngx_leaseloft_token_cache_oldest(tokens));
    }

    t = ngx_alloc(offsetof(ngx_leaseloft_token_t, user) + claims->user_len,
                  log);
    if (t == NULL) {
        return;
    }

    t->exp = claims->exp;
    t->len = (u_char) claims->user_len;
    ngx_memcpy(t->user, claims->user, t->len);
    ngx_memcpy(t->digest, digest, NGX_LEASELOFT_DIGEST_LEN);

    bucket = &tokens->buckets[ngx_leaseloft_token_cache_hash(digest)
                              % NGX_LEASELOFT_TOKEN_CACHE_BUCKETS];
    t->next = *bucket;
    *bucket = t;

    ngx_queue_insert_head(&tokens->used, &t->queue);
    tokens->n++;
}


static ngx_leaseloft_token_t *
ngx_leaseloft_token_cache_oldest(ngx_leaseloft_token_cache_t *tokens)
{
    return ngx_queue_data(ngx_queue_last(&tokens->used), ngx_leaseloft_token_t,
                          queue);
}


static void
ngx_leaseloft_token_cache_forget(ngx_leaseloft_token_cache_t *tokens,
    ngx_leaseloft_token_t *t)
{
    ngx_leaseloft_token_t  **p;

    p = &tokens->buckets[ngx_leaseloft_token_cache_hash(t->digest)
                         % NGX_LEASELOFT_TOKEN_CACHE_BUCKETS];

    while (*p != t) {
        p = &(*p)->next;
    }

    *p = t->next;

    ngx_queue_remove(&t->queue);
    ngx_free(t);
    tokens->n--;
}
