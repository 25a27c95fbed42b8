
/*
 * Key files.  The type of the key determines the algorithm (RFC 8725, 3.1): a
 * shared secret HS256, an RSA public key RS256, a public key on the curve P-256
 * ES256.
 */


#include "ngx_leaseloft_key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>


#define NGX_LEASELOFT_KEY_FILE_MAX  65536
#define NGX_LEASELOFT_RSA_BITS      2048
#define NGX_LEASELOFT_SECRET_MIN    32


/* the key file that errors refer to */
typedef struct {
    ngx_conf_t                 *cf;
    ngx_str_t                  *name;
    ngx_str_t                  *file;
} ngx_leaseloft_key_file_t;


static ngx_int_t ngx_leaseloft_key_load(ngx_leaseloft_key_file_t *kf,
    ngx_str_t *content);
static ngx_int_t ngx_leaseloft_key_secret(ngx_leaseloft_key_file_t *kf,
    ngx_leaseloft_key_t *key);
static ngx_int_t ngx_leaseloft_key_pem(ngx_leaseloft_key_file_t *kf,
    ngx_leaseloft_key_t *key);
static ngx_int_t ngx_leaseloft_key_type(ngx_leaseloft_key_file_t *kf,
    ngx_leaseloft_key_t *key, EVP_PKEY *pkey);
static int ngx_leaseloft_key_curve(EVP_PKEY *pkey);
static ngx_int_t ngx_leaseloft_key_fault(ngx_leaseloft_key_file_t *kf,
    ngx_err_t err, char *fault);


ngx_leaseloft_key_t *
ngx_leaseloft_key_read(ngx_conf_t *cf, ngx_str_t *name, ngx_str_t *file)
{
    ngx_int_t                  rc;
    ngx_leaseloft_key_t       *key;
    ngx_leaseloft_key_file_t   kf;

    if (ngx_conf_full_name(cf->cycle, file, 1) != NGX_OK) {
        return NULL;
    }

    key = ngx_pcalloc(cf->pool, sizeof(ngx_leaseloft_key_t));
    if (key == NULL) {
        return NULL;
    }

    kf.cf = cf;
    kf.name = name;
    kf.file = file;

    if (ngx_leaseloft_key_load(&kf, &key->secret) != NGX_OK) {
        return NULL;
    }

    /* at any position: a file with a PEM block is never used as a secret */

    if (ngx_strlcasestrn(key->secret.data,
                         key->secret.data + key->secret.len,
                         (u_char *) "-----begin ",
                         sizeof("-----begin ") - 2))
    {
        rc = ngx_leaseloft_key_pem(&kf, key);
        ERR_clear_error();

    } else {
        rc = ngx_leaseloft_key_secret(&kf, key);
    }

    if (rc != NGX_OK) {
        return NULL;
    }

    if (EVP_Digest(key->secret.data, key->secret.len, key->id, NULL,
                   EVP_sha256(), NULL)
        != 1)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "EVP_Digest() failed");
        return NULL;
    }

    return key;
}


static ngx_int_t
ngx_leaseloft_key_load(ngx_leaseloft_key_file_t *kf, ngx_str_t *content)
{
    ssize_t    n;
    ngx_fd_t   fd;
    ngx_err_t  err;

    content->data = ngx_pnalloc(kf->cf->pool, NGX_LEASELOFT_KEY_FILE_MAX + 1);
    if (content->data == NULL) {
        return NGX_ERROR;
    }

    fd = ngx_open_file(kf->file->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        return ngx_leaseloft_key_fault(kf, ngx_errno,
                                       "cannot be opened; put the secret or "
                                       "the PEM public key there");
    }

    n = ngx_read_fd(fd, content->data, NGX_LEASELOFT_KEY_FILE_MAX);
    err = ngx_errno;

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, kf->cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", kf->file);
    }

    if (n == -1) {
        return ngx_leaseloft_key_fault(kf, err, "cannot be read");
    }

    if (n == NGX_LEASELOFT_KEY_FILE_MAX) {
        return ngx_leaseloft_key_fault(kf, 0, "is too long for a key file");
    }

    content->len = n;
    content->data[n] = '\0';

    return NGX_OK;
}


static void
ngx_leaseloft_key_mac_free(void *data)
{
    EVP_MAC_CTX_free(data);
}


static ngx_int_t
ngx_leaseloft_key_secret(ngx_leaseloft_key_file_t *kf,
    ngx_leaseloft_key_t *key)
{
    ngx_pool_cleanup_t  *cln;

    if (key->secret.len && key->secret.data[key->secret.len - 1] == '\n') {
        key->secret.len--;
    }

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

    return NGX_OK;
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


static ngx_int_t
ngx_leaseloft_key_pem(ngx_leaseloft_key_file_t *kf, ngx_leaseloft_key_t *key)
{
    BIO        *bio;
    EVP_PKEY   *pkey;
    ngx_int_t   rc;

    if (ngx_strstr(key->secret.data, "PRIVATE KEY-----")) {
        return ngx_leaseloft_key_fault(kf, 0,
                                       "contains a private key; extract the "
                                       "public key with "
                                       "\"openssl pkey -pubout\"");
    }

    if (ngx_strstr(key->secret.data, "-----BEGIN CERTIFICATE")) {
        return ngx_leaseloft_key_fault(kf, 0,
                                       "contains a certificate; extract its "
                                       "public key with \"openssl x509 -noout "
                                       "-pubkey\"");
    }

    bio = BIO_new_mem_buf(key->secret.data, (int) key->secret.len);
    if (bio == NULL) {
        return NGX_ERROR;
    }

    pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    BIO_free(bio);

    if (pkey == NULL) {
        return ngx_leaseloft_key_fault(kf, 0,
                                       "contains no valid PEM public key; "
                                       "extract one with "
                                       "\"openssl pkey -pubout\"");
    }

    rc = ngx_leaseloft_key_type(kf, key, pkey);

    EVP_PKEY_free(pkey);

    return rc;
}


static ngx_int_t
ngx_leaseloft_key_type(ngx_leaseloft_key_file_t *kf, ngx_leaseloft_key_t *key,
    EVP_PKEY *pkey)
{
    switch (EVP_PKEY_base_id(pkey)) {

    case EVP_PKEY_RSA:

        if (EVP_PKEY_bits(pkey) < NGX_LEASELOFT_RSA_BITS) {
            return ngx_leaseloft_key_fault(kf, 0,
                                           "contains an RSA key that is too "
                                           "short; use at least 2048 bits");
        }

        key->alg = JWT_ALG_RS256;
        key->name = "RS256";
        return NGX_OK;

    case EVP_PKEY_EC:

        if (ngx_leaseloft_key_curve(pkey) != NID_X9_62_prime256v1) {
            return ngx_leaseloft_key_fault(kf, 0,
                                           "contains a key on a curve other "
                                           "than P-256, which ES256 requires");
        }

        key->alg = JWT_ALG_ES256;
        key->name = "ES256";
        return NGX_OK;

    case EVP_PKEY_ED25519:
        return ngx_leaseloft_key_fault(kf, 0,
                                       "contains an Ed25519 key, but the "
                                       "installed libjwt does not support "
                                       "EdDSA; use an RSA or P-256 key");

    default:
        return ngx_leaseloft_key_fault(kf, 0,
                                       "contains a key of an unsupported type; "
                                       "use an RSA or P-256 key");
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


static ngx_int_t
ngx_leaseloft_key_fault(ngx_leaseloft_key_file_t *kf, ngx_err_t err,
    char *fault)
{
    ngx_conf_log_error(NGX_LOG_EMERG, kf->cf, err, "\"%V\": \"%V\" %s",
                       kf->name, kf->file, fault);

    return NGX_ERROR;
}
