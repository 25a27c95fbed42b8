
/*
 * Tokens.  The first byte says what follows:
 *
 *     s   header and claims, a line each, which are signed with the secret
 *     c   the same, as a cookie; issuer and audience are checked
 *     r   an Authorization header, then cookies, a line each, sent unchanged
 *     e   the same, where the key is a public one
 *
 * Unchanged input is never signed, so it must never be accepted.
 */


#include "fuzz/nginx.h"

#include "ngx_leaseloft_cluster.h"
#include "ngx_leaseloft_revoked.h"
#include "ngx_leaseloft_token.h"
#include "ngx_leaseloft_token_table.h"

#include <openssl/hmac.h>


#define FUZZ_LEEWAY  5


static u_char  fuzz_secret[] = "an example of a secret, of 32 bytes or more";

static u_char  fuzz_pem[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqdyeWWbk+rfmCIZ/06fGWaxF0ms6\n"
    "kY1DMrGAWKoqFaZgr4OSf07T2QmleZiwVn9G33I423mGgXino21e189tmQ==\n"
    "-----END PUBLIC KEY-----\n";

static ngx_leaseloft_key_t  fuzz_keys[] = {
    {
        .alg = JWT_ALG_HS256,
        .name = "HS256",
        .secret = { sizeof(fuzz_secret) - 1, fuzz_secret }
    },
    {
        .alg = JWT_ALG_ES256,
        .name = "ES256",
        .secret = { sizeof(fuzz_pem) - 1, fuzz_pem }
    }
};


/* of one key each */
static ngx_leaseloft_keys_t  fuzz_sets[2];


/* SCHEME HEADER.CLAIMS.SIGNATURE, as far as the input has them */
static ngx_str_t
fuzz_sign(ngx_pool_t *pool, const char *scheme, const uint8_t *data,
    size_t size)
{
    u_char      signature[EVP_MAX_MD_SIZE], *start;
    unsigned    n;
    ngx_str_t   token, part, text, sum;
    ngx_uint_t  i;

    token.data = ngx_pnalloc(pool, ngx_strlen(scheme)
                                   + ngx_base64_encoded_length(size)
                                   + 2 * sizeof(signature));
    CHECK(token.data != NULL);

    start = ngx_cpymem(token.data, scheme, ngx_strlen(scheme));
    text.data = start;

    for (i = 0; i < 2; i++) {
        if (fuzz_part(&data, &size, LF, &part) != NGX_OK) {
            ngx_str_null(&part);
        }

        ngx_encode_base64url(&text, &part);
        text.data += text.len;
        *text.data++ = '.';
    }

    CHECK(HMAC(EVP_sha256(), fuzz_secret, sizeof(fuzz_secret) - 1, start,
               text.data - 1 - start, signature, &n) != NULL);

    sum.data = signature;
    sum.len = n;
    ngx_encode_base64url(&text, &sum);

    token.len = text.data + text.len - token.data;

    return token;
}


static void
fuzz_authorization(ngx_http_request_t *r, ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    fuzz_header(r, "authorization", value);

    h = r->headers_in.headers.last->elts;
    r->headers_in.authorization = &h[r->headers_in.headers.last->nelts - 1];
}


static void
fuzz_headers(ngx_http_request_t *r, const uint8_t *data, size_t size)
{
    ngx_str_t  line;

    if (fuzz_part(&data, &size, LF, &line) == NGX_OK && line.len) {
        fuzz_authorization(r, &line);
    }

    while (fuzz_part(&data, &size, LF, &line) == NGX_OK) {
        fuzz_header(r, "cookie", &line);
    }
}


static void
fuzz_check(ngx_http_request_t *r, ngx_uint_t sealed)
{
    time_t                   exp, iat;
    ngx_int_t                rc;
    ngx_str_t                user;
    ngx_uint_t               i;
    ngx_leaseloft_refusal_e  refusal;

    /* the second time it is cached, with the same result */

    for (i = 0; i < 2; i++) {
        rc = ngx_leaseloft_token_check(r, &user, &exp, &iat, &refusal);

        CHECK(rc == NGX_OK || rc == NGX_DECLINED);

        if (rc == NGX_OK) {
            CHECK(!sealed);
            CHECK(ll_id_valid((char *) user.data, user.len));
            CHECK(exp > FUZZ_NOW);
        }
    }
}


/* the zone of valid tokens, empty, as nginx would create it */
static ngx_shm_zone_t *
fuzz_table(ngx_pool_t *pool)
{
    ngx_shm_zone_t   *zone;
    ngx_slab_pool_t  *slab;

    zone = ngx_pcalloc(pool, sizeof(ngx_shm_zone_t));
    CHECK(zone != NULL);

    zone->shm.size = 8 * ngx_pagesize;
    slab = ngx_pmemalign(pool, zone->shm.size, ngx_pagesize);
    CHECK(slab != NULL);

    ngx_memzero(slab, sizeof(ngx_slab_pool_t));

    zone->shm.addr = (u_char *) slab;
    slab->end = zone->shm.addr + zone->shm.size;
    slab->min_shift = 3;
    slab->addr = zone->shm.addr;

    CHECK(ngx_shmtx_create(&slab->mutex, &slab->lock, NULL) == NGX_OK);
    ngx_slab_init(slab);
    CHECK(ngx_leaseloft_token_table_init(zone, NULL) == NGX_OK);

    return zone;
}


static ngx_leaseloft_keys_t *
fuzz_set(ngx_uint_t i)
{
    ngx_leaseloft_keys_t  *keys;

    keys = &fuzz_sets[i];
    keys->list.elts = &fuzz_keys[i];
    keys->list.nelts = 1;
    keys->list.size = sizeof(ngx_leaseloft_key_t);
    keys->list.nalloc = 1;
    ngx_memset(keys->id, i + 1, sizeof(keys->id));

    return keys;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    u_char                      kind;
    ngx_str_t                   token;
    ngx_pool_t                 *pool;
    ngx_http_request_t         *r;
    ngx_leaseloft_process_t     process;
    ngx_leaseloft_loc_conf_t    lcf;
    ngx_leaseloft_main_conf_t   mcf;

    if (size == 0) {
        return 0;
    }

    kind = data[0];
    pool = fuzz_pool();
    fuzz_clock(0);

    ngx_memzero(&lcf, sizeof(ngx_leaseloft_loc_conf_t));
    ngx_memzero(&mcf, sizeof(ngx_leaseloft_main_conf_t));
    ngx_memzero(&process, sizeof(ngx_leaseloft_process_t));

    ngx_queue_init(&ngx_posted_events);
    CHECK(ngx_event_timer_init(&fuzz_log) == NGX_OK);

    mcf.process = &process;
    process.conf = &mcf;
    process.log = &fuzz_log;
    process.tokens = ngx_leaseloft_token_cache_create(fuzz_table(pool), NULL,
                                                      pool, &fuzz_log);
    CHECK(process.tokens != NULL);

    /* it never connects, so that no user is revoked */

    ngx_str_set(&process.name, "fuzz");
    process.cluster = ngx_leaseloft_cluster_create(&process, pool);
    CHECK(process.cluster != NULL);
    process.revoked = ngx_leaseloft_revoked_create(&process, pool);
    CHECK(process.revoked != NULL);

    if (fuzz_keys[0].mac == NULL) {
        fuzz_keys[0].mac = ngx_leaseloft_key_mac(&fuzz_keys[0].secret);
        CHECK(fuzz_keys[0].mac != NULL);
    }

    lcf.keys = fuzz_set(kind == 'e');
    lcf.leeway = FUZZ_LEEWAY;
    ngx_str_set(&lcf.cookie, "leaseloft_session");

    r = fuzz_request(&mcf, &lcf);

    if (kind == 'r' || kind == 'e') {
        fuzz_headers(r, data + 1, size - 1);

    } else if (kind == 'c') {
        ngx_str_set(&lcf.issuer, "https://example.com");
        ngx_str_set(&lcf.audience, "leaseloft");

        token = fuzz_sign(r->pool, "a=b; leaseloft_session=", data + 1,
                          size - 1);
        fuzz_header(r, "cookie", &token);

    } else {
        token = fuzz_sign(r->pool, "Bearer ", data + 1, size - 1);
        fuzz_authorization(r, &token);
    }

    fuzz_check(r, kind == 'r' || kind == 'e');
    (void) ngx_leaseloft_token_is_ambient(r);

    fuzz_requests_end();
    ngx_leaseloft_revoked_free(process.revoked);
    ngx_leaseloft_cluster_free(process.cluster);
    ngx_destroy_pool(pool);

    return 0;
}
