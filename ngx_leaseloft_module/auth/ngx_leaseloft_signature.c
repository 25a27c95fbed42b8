
/*
 * Signatures.  libjwt verifies all but those of EdDSA (RFC 8037), which the
 * versions in Debian do not know: OpenSSL verifies these, and libjwt has the
 * claims only.
 */


#include "ngx_leaseloft_signature.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>


/* of an Ed25519 signature, and of its base64url */
#define NGX_LEASELOFT_SIGNATURE_ED25519       64
#define NGX_LEASELOFT_SIGNATURE_ED25519_TEXT  86


static jwt_t *ngx_leaseloft_signature_decode(ngx_leaseloft_key_t *key,
    ngx_str_t *token);
static ngx_int_t ngx_leaseloft_signature_ed25519(EVP_PKEY *pkey,
    ngx_str_t *parts);
static jwt_t *ngx_leaseloft_signature_parse(ngx_str_t *parts);


/* RFC 7518, 3.2 */
ngx_uint_t
ngx_leaseloft_signature_forged(ngx_leaseloft_keys_t *keys, ngx_str_t *token,
    ngx_str_t *signature)
{
    u_char                given[NGX_LEASELOFT_DIGEST_LEN];
    u_char                right[EVP_MAX_MD_SIZE];
    size_t                len;
    ngx_str_t             decoded;
    ngx_leaseloft_key_t  *key;

    key = keys->list.elts;

    if (keys->list.nelts != 1 || key->mac == NULL) {
        return 0;
    }

    decoded.data = given;

    /* 32 bytes are 43 characters of base64url */
    if (signature->len != 43
        || ngx_decode_base64url(&decoded, signature) != NGX_OK)
    {
        return 1;
    }

    /* the context already has the key: HMAC() takes three times as long */

    return EVP_MAC_init(key->mac, NULL, 0, NULL) != 1
           || EVP_MAC_update(key->mac, token->data,
                             signature->data - 1 - token->data)
              != 1
           || EVP_MAC_final(key->mac, right, &len, sizeof(right)) != 1
           || len != NGX_LEASELOFT_DIGEST_LEN
           || CRYPTO_memcmp(given, right, NGX_LEASELOFT_DIGEST_LEN) != 0;
}


jwt_t *
ngx_leaseloft_signature_verify(ngx_leaseloft_key_t *key, ngx_str_t *token,
    ngx_str_t *parts)
{
    jwt_t  *jwt;

    if (key->pkey == NULL) {
        jwt = ngx_leaseloft_signature_decode(key, token);

    } else if (ngx_leaseloft_signature_ed25519(key->pkey, parts) == NGX_OK) {
        jwt = ngx_leaseloft_signature_parse(parts);

    } else {
        jwt = NULL;
    }

    if (jwt == NULL) {
        /* nginx would report the queued errors as those of a connection */
        ERR_clear_error();
    }

    return jwt;
}


static jwt_t *
ngx_leaseloft_signature_decode(ngx_leaseloft_key_t *key, ngx_str_t *token)
{
    jwt_t   *jwt;
    u_char   text[NGX_LEASELOFT_JWT_MAX + 1];

    *ngx_cpymem(text, token->data, token->len) = '\0';

    if (jwt_decode(&jwt, (char *) text, key->secret.data,
                   (int) key->secret.len)
        != 0)
    {
        return NULL;
    }

    if (jwt_get_alg(jwt) == key->alg) {
        return jwt;
    }

    jwt_free(jwt);

    return NULL;
}


static ngx_int_t
ngx_leaseloft_signature_ed25519(EVP_PKEY *pkey, ngx_str_t *parts)
{
    int          ok;
    u_char       given[NGX_LEASELOFT_SIGNATURE_ED25519];
    ngx_str_t    decoded;
    EVP_MD_CTX  *ctx;

    decoded.data = given;

    if (parts[2].len != NGX_LEASELOFT_SIGNATURE_ED25519_TEXT
        || ngx_decode_base64url(&decoded, &parts[2]) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    ctx = EVP_MD_CTX_new();

    ok = ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1
         && EVP_DigestVerify(ctx, given, sizeof(given), parts[0].data,
                             parts[2].data - 1 - parts[0].data)
            == 1;

    EVP_MD_CTX_free(ctx);

    return ok ? NGX_OK : NGX_DECLINED;
}


/* parses header and claims as libjwt does: its JSON library refuses more */
static jwt_t *
ngx_leaseloft_signature_parse(ngx_str_t *parts)
{
    int         rc;
    jwt_t      *jwt;
    u_char      buf[NGX_LEASELOFT_JWT_MAX + 1];
    ngx_str_t   text;

    if (jwt_new(&jwt) != 0) {
        return NULL;
    }

    text.data = buf;
    rc = -1;

    if (ngx_decode_base64url(&text, &parts[0]) == NGX_OK) {
        buf[text.len] = '\0';
        rc = jwt_add_headers_json(jwt, (char *) buf);
    }

    if (rc == 0 && ngx_decode_base64url(&text, &parts[1]) == NGX_OK) {
        buf[text.len] = '\0';

        if (jwt_add_grants_json(jwt, (char *) buf) == 0) {
            return jwt;
        }
    }

    jwt_free(jwt);

    return NULL;
}
