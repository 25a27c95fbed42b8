
/*
 * Reads keys, and signs with them.  OpenSSL signs with secrets, RSA, EC and
 * Ed25519 keys by the same calls; libjwt, in the versions of Debian, does not
 * know EdDSA.
 */

#include <string.h>
#include <strings.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>

#include "cli_token_key.h"


#define CLI_TOKEN_KEY_MAX       65536
#define CLI_TOKEN_KEY_RSA_BITS  2048

/* of each of the two numbers of an ES256 signature */
#define CLI_TOKEN_KEY_ES256     32


/* 1 if the text has a PEM block, at any position, as in nginx */
static int
cli_token_key_is_pem(const buf_t *text)
{
    size_t  i;

    static const char  begin[] = "-----BEGIN ";

    for (i = 0; i + sizeof(begin) - 1 <= text->len; i++) {
        if (strncasecmp(text->data + i, begin, sizeof(begin) - 1) == 0) {
            return 1;
        }
    }

    return 0;
}


/* sets the algorithm; NULL, or why the key cannot be used */
static const char *
cli_token_key_type(cli_token_key_t *key)
{
    char    group[64];
    size_t  len;

    key->digest = EVP_sha256();

    switch (EVP_PKEY_base_id(key->pkey)) {

    case EVP_PKEY_RSA:
        key->name = "RS256";
        return EVP_PKEY_bits(key->pkey) < CLI_TOKEN_KEY_RSA_BITS
               ? "has an RSA key of less than 2048 bits" : NULL;

    case EVP_PKEY_EC:
        key->name = "ES256";
        return EVP_PKEY_get_group_name(key->pkey, group, sizeof(group), &len)
               != 1
               || OBJ_sn2nid(group) != NID_X9_62_prime256v1
               ? "has a key on a curve other than P-256" : NULL;

    case EVP_PKEY_ED25519:
        key->name = "EdDSA";
        key->digest = NULL;
        return NULL;

    default:
        return "has a key of an unsupported type; use an RSA, P-256 or "
               "Ed25519 key";
    }
}


/* NULL, or what is wrong with the PEM file */
static const char *
cli_token_key_pem(cli_token_key_t *key, const buf_t *text)
{
    BIO  *bio;

    bio = BIO_new_mem_buf(text->data, (int) text->len);

    /* an encrypted key has no password here */
    key->pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, "") : NULL;

    BIO_free(bio);

    if (key->pkey == NULL) {
        return "is a PEM file without a private key, or with an encrypted one; "
               "the public key is for nginx";
    }

    return cli_token_key_type(key);
}


/* NULL, or what is wrong with the file of a secret */
static const char *
cli_token_key_secret(cli_token_key_t *key, const buf_t *text)
{
    size_t  len, start;

    len = text->len;

    if (len && text->data[len - 1] == '\n') {
        len--;
    }

    if (len == 0) {
        return "contains no secret";
    }

    start = strspn(text->data, " \t\r\n");

    if (text->data[start] == '{') {
        return "is a JSON Web Key Set, as for nginx; sign with the private key "
               "in PEM, or with a file of the secret alone";
    }

    key->name = "HS256";
    key->digest = EVP_sha256();
    key->pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_HMAC, NULL,
                                        (const unsigned char *) text->data,
                                        len);

    return key->pkey ? NULL : "has a secret that OpenSSL cannot use";
}


int
cli_token_key_read(cli_token_key_t *key, const char *path)
{
    buf_t        text = BUF_INIT;
    const char  *fault;

    memset(key, 0, sizeof(cli_token_key_t));

    fault = NULL;

    if (cli_read_file(path, CLI_TOKEN_KEY_MAX, &text) == 0) {
        fault = cli_token_key_is_pem(&text) ? cli_token_key_pem(key, &text)
                                            : cli_token_key_secret(key, &text);

        if (fault) {
            (void) cli_fail("\"%s\" %s", path, fault);
            cli_token_key_free(key);
        }
    }

    if (text.data) {
        explicit_bzero(text.data, text.size);
    }

    buf_free(&text);

    return key->pkey ? 0 : -1;
}


/* appends the two numbers of the signature in DER (RFC 7518, 3.4) */
static int
cli_token_key_numbers(const unsigned char *der, size_t len, buf_t *sig)
{
    int            rc;
    ECDSA_SIG     *pair;
    const BIGNUM  *r, *s;
    unsigned char  both[2 * CLI_TOKEN_KEY_ES256];

    pair = d2i_ECDSA_SIG(NULL, &der, (long) len);
    if (pair == NULL) {
        return -1;
    }

    ECDSA_SIG_get0(pair, &r, &s);

    rc = BN_bn2binpad(r, both, CLI_TOKEN_KEY_ES256) == CLI_TOKEN_KEY_ES256
         && BN_bn2binpad(s, both + CLI_TOKEN_KEY_ES256, CLI_TOKEN_KEY_ES256)
            == CLI_TOKEN_KEY_ES256
         ? 0 : -1;

    buf_add(sig, (const char *) both, sizeof(both));
    ECDSA_SIG_free(pair);

    return rc;
}


int
cli_token_key_sign(const cli_token_key_t *key, const buf_t *text, buf_t *sig)
{
    int                   rc;
    size_t                len;
    EVP_MD_CTX           *ctx;
    unsigned char        *bytes;
    const unsigned char  *signed_text;

    rc = -1;
    bytes = NULL;
    signed_text = (const unsigned char *) text->data;
    ctx = EVP_MD_CTX_new();

    if (ctx
        && EVP_DigestSignInit(ctx, NULL, key->digest, NULL, key->pkey) == 1
        && EVP_DigestSign(ctx, NULL, &len, signed_text, text->len) == 1
        && (bytes = OPENSSL_malloc(len)) != NULL
        && EVP_DigestSign(ctx, bytes, &len, signed_text, text->len) == 1)
    {
        if (EVP_PKEY_base_id(key->pkey) == EVP_PKEY_EC) {
            rc = cli_token_key_numbers(bytes, len, sig);

        } else {
            buf_add(sig, (const char *) bytes, len);
            rc = 0;
        }
    }

    OPENSSL_free(bytes);
    EVP_MD_CTX_free(ctx);

    return rc == 0 && !buf_failed(sig) ? 0 : -1;
}


void
cli_token_key_free(cli_token_key_t *key)
{
    EVP_PKEY_free(key->pkey);
    key->pkey = NULL;
}
