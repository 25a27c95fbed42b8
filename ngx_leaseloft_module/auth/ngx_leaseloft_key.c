
/*
 * Keys.  The type of the key determines the algorithm (RFC 8725, 3.1): a shared
 * secret HS256, an RSA public key RS256, a public key on the curve P-256 ES256,
 * and one on Ed25519 EdDSA (RFC 8037).
 */


#include "ngx_leaseloft_key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>


#define NGX_LEASELOFT_RSA_BITS      2048
#define NGX_LEASELOFT_SECRET_MIN    32


static ngx_int_t ngx_leaseloft_key_add(ngx_leaseloft_key_file_t *kf,
    ngx_leaseloft_key_t *key);
static char *ngx_leaseloft_key_type(ngx_leaseloft_key_t *key, EVP_PKEY *pkey);
static ngx_int_t ngx_leaseloft_key_pem(ngx_leaseloft_key_file_t *kf,
    ngx_leaseloft_key_t *key, EVP_PKEY *pkey);
static int ngx_leaseloft_key_curve(EVP_PKEY *pkey);


static void
ngx_leaseloft_key_mac_free(void *data)
{
    EVP_MAC_CTX_free(data);
}


static void
ngx_leaseloft_key_pkey_free(void *data)
{
    EVP_PKEY_free(data);
}


ngx_int_t
ngx_leaseloft_key_add_secret(ngx_leaseloft_key_file_t *kf,
    ngx_leaseloft_key_t *key)
{
    ngx_pool_cleanup_t  *cln;

    if (key->secret.len == 0) {
        return ngx_leaseloft_key_fault(kf, 0,
                                       "is empty; generate a secret with "
                                       "\"openssl rand -base64 32\"");
    }

    if (key->secret.len < NGX_LEASELOFT_SECRET_MIN) {
        ngx_conf_log_error(NGX_LOG_WARN, kf->cf, 0,
                           "\"%V\": the secret in \"%V\" is shorter than "
                           "32 bytes and may be guessed", kf->name, kf->file);
    }

    key->alg = JWT_ALG_HS256;
    key->name = "HS256";

    cln = ngx_pool_cleanup_add(kf->cf->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    key->mac = ngx_leaseloft_key_mac(&key->secret);

    if (key->mac == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, kf->cf, 0, "EVP_MAC_init() failed");
        return NGX_ERROR;
    }

    cln->handler = ngx_leaseloft_key_mac_free;
    cln->data = key->mac;

    return ngx_leaseloft_key_add(kf, key);
}


EVP_MAC_CTX *
ngx_leaseloft_key_mac(ngx_str_t *secret)
{
    EVP_MAC      *hmac;
    OSSL_PARAM    params[2];
    EVP_MAC_CTX  *mac;

    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    mac = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
    EVP_MAC_free(hmac);

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                                 "SHA256", 0);
    params[1] = OSSL_PARAM_construct_end();

    if (mac && EVP_MAC_init(mac, secret->data, secret->len, params) == 1) {
        return mac;
    }

    EVP_MAC_CTX_free(mac);

    return NULL;
}


ngx_int_t
ngx_leaseloft_key_add_public(ngx_leaseloft_key_file_t *kf,
    ngx_leaseloft_key_t *key, EVP_PKEY *pkey, char **fault)
{
    ngx_pool_cleanup_t  *cln;

    *fault = ngx_leaseloft_key_type(key, pkey);

    if (*fault) {
        return NGX_DECLINED;
    }

    if (EVP_PKEY_base_id(pkey) == EVP_PKEY_ED25519) {
        cln = ngx_pool_cleanup_add(kf->cf->pool, 0);
        if (cln == NULL || EVP_PKEY_up_ref(pkey) != 1) {
            return NGX_ERROR;
        }

        cln->handler = ngx_leaseloft_key_pkey_free;
        cln->data = pkey;
        key->pkey = pkey;
    }

    if (key->secret.len == 0
        && ngx_leaseloft_key_pem(kf, key, pkey) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_leaseloft_key_add(kf, key);
}


/* libjwt takes public keys as PEM */
static ngx_int_t
ngx_leaseloft_key_pem(ngx_leaseloft_key_file_t *kf, ngx_leaseloft_key_t *key,
    EVP_PKEY *pkey)
{
    BIO   *bio;
    long   len;
    char  *text;

    bio = BIO_new(BIO_s_mem());

    if (bio && PEM_write_bio_PUBKEY(bio, pkey) == 1) {
        len = BIO_get_mem_data(bio, &text);
        key->secret.data = ngx_pnalloc(kf->cf->pool, len + 1);

        if (key->secret.data) {
            *ngx_cpymem(key->secret.data, text, len) = '\0';
            key->secret.len = len;
        }
    }

    BIO_free(bio);

    return key->secret.len ? NGX_OK : NGX_ERROR;
}


/* data is NULL where there is none */
static ngx_uint_t
ngx_leaseloft_key_equal(ngx_str_t *one, ngx_str_t *two)
{
    return one->len == two->len && !one->data == !two->data
           && (one->len == 0
               || ngx_memcmp(one->data, two->data, one->len) == 0);
}


/* adds the key, and all that identifies it to the id of the keys */
static ngx_int_t
ngx_leaseloft_key_add(ngx_leaseloft_key_file_t *kf, ngx_leaseloft_key_t *key)
{
    u_char                 lens[3 * NGX_INT64_LEN];
    size_t                 len;
    EVP_MD_CTX            *ctx;
    ngx_uint_t             i, done;
    ngx_leaseloft_key_t   *elt;
    ngx_leaseloft_keys_t  *keys;

    keys = kf->keys;
    elt = keys->list.elts;

    for (i = 0; i < keys->list.nelts; i++) {
        if (!ngx_leaseloft_key_equal(&key->kid, &elt[i].kid)) {
            continue;
        }

        if (key->kid.data) {
            return ngx_leaseloft_key_fault(kf, 0,
                                           "has a key with the \"kid\" of "
                                           "another key");
        }

        if (ngx_leaseloft_key_equal(&key->secret, &elt[i].secret)) {
            return ngx_leaseloft_key_fault(kf, 0,
                                           "has a key that is configured "
                                           "already");
        }
    }

    if (keys->list.nelts == NGX_LEASELOFT_KEYS_MAX) {
        return ngx_leaseloft_key_fault(kf, 0,
                                       "exceeds the maximum of 64 keys in one "
                                       "location");
    }

    len = ngx_sprintf(lens, "%d %z %uz ", (int) key->alg,
                      key->kid.data ? (ssize_t) key->kid.len : -1,
                      key->secret.len)
          - lens;

    ctx = EVP_MD_CTX_new();

    done = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1
           && EVP_DigestUpdate(ctx, keys->id, NGX_LEASELOFT_DIGEST_LEN) == 1
           && EVP_DigestUpdate(ctx, lens, len) == 1
           && EVP_DigestUpdate(ctx, key->kid.data, key->kid.len) == 1
           && EVP_DigestUpdate(ctx, key->secret.data, key->secret.len) == 1
           && EVP_DigestFinal_ex(ctx, keys->id, NULL) == 1;

    EVP_MD_CTX_free(ctx);

    elt = done ? ngx_array_push(&keys->list) : NULL;

    if (elt == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, kf->cf, 0,
                           "no memory or SHA-256 for a key");
        return NGX_ERROR;
    }

    *elt = *key;

    return NGX_OK;
}


/* sets the algorithm: NULL, or why the key cannot be used */
static char *
ngx_leaseloft_key_type(ngx_leaseloft_key_t *key, EVP_PKEY *pkey)
{
    switch (EVP_PKEY_base_id(pkey)) {

    case EVP_PKEY_RSA:

        if (EVP_PKEY_bits(pkey) < NGX_LEASELOFT_RSA_BITS) {
            return "contains an RSA key that is too short; use at least "
                   "2048 bits";
        }

        key->alg = JWT_ALG_RS256;
        key->name = "RS256";
        return NULL;

    case EVP_PKEY_EC:

        if (ngx_leaseloft_key_curve(pkey) != NID_X9_62_prime256v1) {
            return "contains a key on a curve other than P-256, which ES256 "
                   "requires";
        }

        key->alg = JWT_ALG_ES256;
        key->name = "ES256";
        return NULL;

    case EVP_PKEY_ED25519:
        key->alg = JWT_ALG_INVAL;
        key->name = "EdDSA";
        return NULL;

    default:
        return "contains a key of an unsupported type; use an RSA, P-256 or "
               "Ed25519 key";
    }
}


static int
ngx_leaseloft_key_curve(EVP_PKEY *pkey)
{
#if (OPENSSL_VERSION_NUMBER >= 0x30000000L)
    char    name[64];
    size_t  len;

    if (EVP_PKEY_get_group_name(pkey, name, sizeof(name), &len) != 1) {
        return NID_undef;
    }

    return OBJ_sn2nid(name);
#else
    return EC_GROUP_get_curve_name(
               EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(pkey)));
#endif
}


ngx_int_t
ngx_leaseloft_key_fault(ngx_leaseloft_key_file_t *kf, ngx_err_t err,
    char *fault)
{
    ngx_conf_log_error(NGX_LOG_EMERG, kf->cf, err, "\"%V\": \"%V\" %s",
                       kf->name, kf->file, fault);

    return NGX_ERROR;
}
