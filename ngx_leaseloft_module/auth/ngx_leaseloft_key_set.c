
/*
 * Sets of keys.  The type of a key determines its algorithm, as in other files;
 * its member "alg" can only confirm that.
 */


#include "ngx_leaseloft_key_set.h"

#include <cjson/cJSON.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>


#define NGX_LEASELOFT_KEY_SET_KID_MAX  255

/* of a coordinate on P-256, of a key on Ed25519, and of the longest modulus */
#define NGX_LEASELOFT_KEY_SET_POINT    32
#define NGX_LEASELOFT_KEY_SET_ED25519  32
#define NGX_LEASELOFT_KEY_SET_RSA_MAX  2048


/* one key of the set */
typedef struct {
    ngx_leaseloft_key_file_t   *kf;
    cJSON                      *jwk;
    ngx_uint_t                  number;    /* from 1 */
    ngx_uint_t                 *used;      /* keys of the set so far */
} ngx_leaseloft_key_set_t;


static ngx_int_t ngx_leaseloft_key_set_add(ngx_leaseloft_key_set_t *set);
static char *ngx_leaseloft_key_set_check(cJSON *jwk, ngx_str_t *kid);
static char *ngx_leaseloft_key_set_other(cJSON *jwk);
static ngx_int_t ngx_leaseloft_key_set_secret(ngx_leaseloft_key_set_t *set,
    ngx_leaseloft_key_t *key);
static ngx_int_t ngx_leaseloft_key_set_public(ngx_leaseloft_key_set_t *set,
    ngx_leaseloft_key_t *key, char *type);
static EVP_PKEY *ngx_leaseloft_key_set_rsa(cJSON *jwk);
static EVP_PKEY *ngx_leaseloft_key_set_ec(cJSON *jwk);
static EVP_PKEY *ngx_leaseloft_key_set_okp(cJSON *jwk);
static EVP_PKEY *ngx_leaseloft_key_set_make(char *type, OSSL_PARAM_BLD *build);
static ssize_t ngx_leaseloft_key_set_bytes(cJSON *jwk, char *name, u_char *buf,
    size_t size);
static char *ngx_leaseloft_key_set_string(cJSON *jwk, char *name);
static ngx_int_t ngx_leaseloft_key_set_fault(ngx_leaseloft_key_set_t *set,
    char *fault);
static ngx_int_t ngx_leaseloft_key_set_skip(ngx_leaseloft_key_set_t *set,
    char *why);


ngx_int_t
ngx_leaseloft_key_set_read(ngx_leaseloft_key_file_t *kf, ngx_str_t *content)
{
    cJSON                    *object, *keys;
    ngx_int_t                 rc;
    ngx_uint_t                used;
    ngx_leaseloft_key_set_t   set;

    object = cJSON_ParseWithOpts((char *) content->data, NULL, 1);
    keys = cJSON_GetObjectItemCaseSensitive(object, "keys");

    if (!cJSON_IsArray(keys)
        || ngx_strlen(content->data) != content->len)
    {
        cJSON_Delete(object);
        return ngx_leaseloft_key_fault(kf, 0,
                                       "begins like JSON, but is no JWKS: no "
                                       "object with an array \"keys\"");
    }

    used = 0;
    rc = NGX_OK;

    set.kf = kf;
    set.number = 0;
    set.used = &used;

    cJSON_ArrayForEach(set.jwk, keys) {
        set.number++;
        rc = ngx_leaseloft_key_set_add(&set);

        if (rc != NGX_OK) {
            break;
        }
    }

    cJSON_Delete(object);

    if (rc == NGX_OK && used == 0) {
        return ngx_leaseloft_key_fault(kf, 0,
                                       "has no key that can verify tokens");
    }

    return rc;
}


static ngx_int_t
ngx_leaseloft_key_set_add(ngx_leaseloft_key_set_t *set)
{
    char                 *fault, *type;
    ngx_str_t             kid;
    ngx_leaseloft_key_t   key;

    fault = ngx_leaseloft_key_set_check(set->jwk, &kid);

    if (fault) {
        return ngx_leaseloft_key_set_fault(set, fault);
    }

    fault = ngx_leaseloft_key_set_other(set->jwk);

    if (fault) {
        return ngx_leaseloft_key_set_skip(set, fault);
    }

    ngx_memzero(&key, sizeof(ngx_leaseloft_key_t));

    if (kid.data) {
        key.kid.len = kid.len;
        key.kid.data = ngx_pstrdup(set->kf->cf->pool, &kid);
        if (key.kid.data == NULL) {
            return NGX_ERROR;
        }
    }

    type = ngx_leaseloft_key_set_string(set->jwk, "kty");

    if (ngx_strcmp(type, "oct") == 0) {
        return ngx_leaseloft_key_set_secret(set, &key);
    }

    return ngx_leaseloft_key_set_public(set, &key, type);
}


/* checks what all keys have: NULL and the kid, or the fault */
static char *
ngx_leaseloft_key_set_check(cJSON *jwk, ngx_str_t *kid)
{
    cJSON  *item, *other;

    ngx_str_null(kid);

    if (!cJSON_IsObject(jwk)) {
        return "is no object";
    }

    cJSON_ArrayForEach(item, jwk) {
        for (other = item->next; other; other = other->next) {
            if (ngx_strcmp(item->string, other->string) == 0) {
                return "has a member twice";
            }
        }
    }

    if (cJSON_GetObjectItemCaseSensitive(jwk, "d")) {
        return "is a private key; remove its private members";
    }

    if (ngx_leaseloft_key_set_string(jwk, "kty") == NULL) {
        return "has no member \"kty\"";
    }

    item = cJSON_GetObjectItemCaseSensitive(jwk, "kid");

    if (item == NULL) {
        return NULL;
    }

    if (!cJSON_IsString(item) || item->valuestring[0] == '\0'
        || ngx_strlen(item->valuestring) > NGX_LEASELOFT_KEY_SET_KID_MAX)
    {
        return "has a \"kid\" that is not a text of 1 to 255 bytes";
    }

    kid->data = (u_char *) item->valuestring;
    kid->len = ngx_strlen(item->valuestring);

    return NULL;
}


/* why a key is not for tokens (RFC 7517, 4.2 and 4.3), or NULL */
static char *
ngx_leaseloft_key_set_other(cJSON *jwk)
{
    char   *use;
    cJSON  *operations, *item;

    use = ngx_leaseloft_key_set_string(jwk, "use");

    if (use && ngx_strcmp(use, "sig") != 0) {
        return "its \"use\" is not \"sig\"";
    }

    operations = cJSON_GetObjectItemCaseSensitive(jwk, "key_ops");

    if (operations == NULL) {
        return NULL;
    }

    cJSON_ArrayForEach(item, operations) {
        if (cJSON_IsString(item)
            && ngx_strcmp(item->valuestring, "verify") == 0)
        {
            return NULL;
        }
    }

    return "its \"key_ops\" do not have \"verify\"";
}


/* 1 if the key's "alg" is absent or the algorithm of its type */
static ngx_uint_t
ngx_leaseloft_key_set_confirms(cJSON *jwk, char *name)
{
    cJSON  *alg;

    alg = cJSON_GetObjectItemCaseSensitive(jwk, "alg");

    return alg == NULL
           || (cJSON_IsString(alg)
               && ngx_strcmp(alg->valuestring, name) == 0);
}


static ngx_int_t
ngx_leaseloft_key_set_secret(ngx_leaseloft_key_set_t *set,
    ngx_leaseloft_key_t *key)
{
    size_t    size;
    char     *text;
    ssize_t   n;

    if (!ngx_leaseloft_key_set_confirms(set->jwk, "HS256")) {
        return ngx_leaseloft_key_set_skip(set, "its \"alg\" is not HS256");
    }

    text = ngx_leaseloft_key_set_string(set->jwk, "k");
    size = text ? ngx_strlen(text) : 0;

    key->secret.data = ngx_pnalloc(set->kf->cf->pool, size + 1);
    if (key->secret.data == NULL) {
        return NGX_ERROR;
    }

    n = ngx_leaseloft_key_set_bytes(set->jwk, "k", key->secret.data, size);

    if (n <= 0) {
        return ngx_leaseloft_key_set_fault(set, "has no valid member \"k\"");
    }

    key->secret.len = n;
    (*set->used)++;

    return ngx_leaseloft_key_add_secret(set->kf, key);
}


static ngx_int_t
ngx_leaseloft_key_set_public(ngx_leaseloft_key_set_t *set,
    ngx_leaseloft_key_t *key, char *type)
{
    char       *fault;
    EVP_PKEY   *pkey;
    ngx_int_t   rc;

    if (ngx_strcmp(type, "RSA") == 0) {
        fault = ngx_leaseloft_key_set_confirms(set->jwk, "RS256")
                ? NULL : "its \"alg\" is not RS256";
        pkey = fault ? NULL : ngx_leaseloft_key_set_rsa(set->jwk);

    } else if (ngx_strcmp(type, "EC") == 0) {
        type = ngx_leaseloft_key_set_string(set->jwk, "crv");
        fault = type && ngx_strcmp(type, "P-256") == 0
                && ngx_leaseloft_key_set_confirms(set->jwk, "ES256")
                ? NULL : "its curve is not P-256 or its \"alg\" not ES256";
        pkey = fault ? NULL : ngx_leaseloft_key_set_ec(set->jwk);

    } else if (ngx_strcmp(type, "OKP") == 0) {
        type = ngx_leaseloft_key_set_string(set->jwk, "crv");
        fault = type && ngx_strcmp(type, "Ed25519") == 0
                && ngx_leaseloft_key_set_confirms(set->jwk, "EdDSA")
                ? NULL : "its curve is not Ed25519 or its \"alg\" not EdDSA";
        pkey = fault ? NULL : ngx_leaseloft_key_set_okp(set->jwk);

    } else {
        fault = "its \"kty\" is not supported";
        pkey = NULL;
    }

    if (fault) {
        return ngx_leaseloft_key_set_skip(set, fault);
    }

    if (pkey == NULL) {
        return ngx_leaseloft_key_set_fault(set, "is no valid public key");
    }

    rc = ngx_leaseloft_key_add_public(set->kf, key, pkey, &fault);
    EVP_PKEY_free(pkey);

    if (rc == NGX_DECLINED) {
        return ngx_leaseloft_key_set_fault(set, fault);
    }

    *set->used += rc == NGX_OK;

    return rc;
}


/* RFC 7518, 6.3.1 */
static EVP_PKEY *
ngx_leaseloft_key_set_rsa(cJSON *jwk)
{
    u_char           n[NGX_LEASELOFT_KEY_SET_RSA_MAX], e[16];
    BIGNUM          *modulus, *exponent;
    ssize_t          n_len, e_len;
    EVP_PKEY        *pkey;
    OSSL_PARAM_BLD  *build;

    n_len = ngx_leaseloft_key_set_bytes(jwk, "n", n, sizeof(n));
    e_len = ngx_leaseloft_key_set_bytes(jwk, "e", e, sizeof(e));

    if (n_len <= 0 || e_len <= 0) {
        return NULL;
    }

    modulus = BN_bin2bn(n, (int) n_len, NULL);
    exponent = BN_bin2bn(e, (int) e_len, NULL);
    build = OSSL_PARAM_BLD_new();
    pkey = NULL;

    if (modulus && exponent && build
        && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1
        && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
    {
        pkey = ngx_leaseloft_key_set_make("RSA", build);
    }

    OSSL_PARAM_BLD_free(build);
    BN_free(modulus);
    BN_free(exponent);

    return pkey;
}


/* RFC 7518, 6.2.1: a point of two coordinates, in full length */
static EVP_PKEY *
ngx_leaseloft_key_set_ec(cJSON *jwk)
{
    u_char           point[1 + 2 * NGX_LEASELOFT_KEY_SET_POINT];
    EVP_PKEY        *pkey;
    OSSL_PARAM_BLD  *build;

    point[0] = 0x04;    /* uncompressed */

    if (ngx_leaseloft_key_set_bytes(jwk, "x", point + 1,
                                    NGX_LEASELOFT_KEY_SET_POINT)
        != NGX_LEASELOFT_KEY_SET_POINT
        || ngx_leaseloft_key_set_bytes(jwk, "y",
                                       point + 1 + NGX_LEASELOFT_KEY_SET_POINT,
                                       NGX_LEASELOFT_KEY_SET_POINT)
           != NGX_LEASELOFT_KEY_SET_POINT)
    {
        return NULL;
    }

    build = OSSL_PARAM_BLD_new();
    pkey = NULL;

    if (build
        && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME,
                                           "prime256v1", 0)
           == 1
        && OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY,
                                            point, sizeof(point))
           == 1)
    {
        pkey = ngx_leaseloft_key_set_make("EC", build);
    }

    OSSL_PARAM_BLD_free(build);

    return pkey;
}


/* RFC 8037, 2 */
static EVP_PKEY *
ngx_leaseloft_key_set_okp(cJSON *jwk)
{
    u_char  x[NGX_LEASELOFT_KEY_SET_ED25519];

    if (ngx_leaseloft_key_set_bytes(jwk, "x", x, sizeof(x)) != sizeof(x)) {
        return NULL;
    }

    return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x, sizeof(x));
}


/* makes and checks a public key; NULL if it is invalid */
static EVP_PKEY *
ngx_leaseloft_key_set_make(char *type, OSSL_PARAM_BLD *build)
{
    EVP_PKEY      *pkey;
    OSSL_PARAM    *params;
    EVP_PKEY_CTX  *ctx, *check;

    pkey = NULL;
    params = OSSL_PARAM_BLD_to_param(build);
    ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);

    if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1
        || EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
    {
        pkey = NULL;
    }

    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);

    check = pkey ? EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL) : NULL;

    if (check == NULL || EVP_PKEY_public_check(check) != 1) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }

    EVP_PKEY_CTX_free(check);

    return pkey;
}


/* decodes a member of base64url into at most size bytes: their number, or -1 */
static ssize_t
ngx_leaseloft_key_set_bytes(cJSON *jwk, char *name, u_char *buf, size_t size)
{
    ngx_str_t  text, bytes;

    text.data = (u_char *) ngx_leaseloft_key_set_string(jwk, name);
    text.len = text.data ? ngx_strlen(text.data) : 0;

    if (text.len == 0 || text.len * 3 / 4 > size) {
        return -1;
    }

    bytes.data = buf;

    return ngx_decode_base64url(&bytes, &text) == NGX_OK ? (ssize_t) bytes.len
                                                         : -1;
}


/* the text of a member, or NULL */
static char *
ngx_leaseloft_key_set_string(cJSON *jwk, char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(jwk, name));
}


static ngx_int_t
ngx_leaseloft_key_set_fault(ngx_leaseloft_key_set_t *set, char *fault)
{
    ngx_conf_log_error(NGX_LOG_EMERG, set->kf->cf, 0,
                       "\"%V\": key %ui of \"%V\" %s", set->kf->name,
                       set->number, set->kf->file, fault);

    return NGX_ERROR;
}


static ngx_int_t
ngx_leaseloft_key_set_skip(ngx_leaseloft_key_set_t *set, char *why)
{
    ngx_conf_log_error(NGX_LOG_WARN, set->kf->cf, 0,
                       "\"%V\": key %ui of \"%V\" is not used: %s",
                       set->kf->name, set->number, set->kf->file, why);

    return NGX_OK;
}
