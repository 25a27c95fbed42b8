
/*
 * Reads key files with the configuration.  A PEM block or a JSON object tells
 * what a file is; anything else is a secret.
 */


#include "ngx_leaseloft_key_file.h"
#include "ngx_leaseloft_key_set.h"

#include <openssl/err.h>
#include <openssl/pem.h>


#define NGX_LEASELOFT_KEY_FILE_MAX  65536


static ngx_int_t ngx_leaseloft_key_file_load(ngx_leaseloft_key_file_t *kf,
    ngx_str_t *content);
static u_char *ngx_leaseloft_key_file_block(ngx_str_t *content, u_char *p);
static ngx_int_t ngx_leaseloft_key_file_pem(ngx_leaseloft_key_file_t *kf,
    ngx_leaseloft_key_t *key);


ngx_int_t
ngx_leaseloft_key_file_read(ngx_conf_t *cf, ngx_str_t *name, ngx_str_t *file,
    ngx_leaseloft_keys_t *keys)
{
    u_char                    *p;
    ngx_int_t                  rc;
    ngx_leaseloft_key_t        key;
    ngx_leaseloft_key_file_t   kf;

    if (ngx_conf_full_name(cf->cycle, file, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memzero(&key, sizeof(ngx_leaseloft_key_t));

    kf.cf = cf;
    kf.name = name;
    kf.file = file;
    kf.keys = keys;

    if (ngx_leaseloft_key_file_load(&kf, &key.secret) != NGX_OK) {
        return NGX_ERROR;
    }

    /* at any position: a file with a PEM block is never used as a secret */

    if (ngx_leaseloft_key_file_block(&key.secret, key.secret.data)) {
        rc = ngx_leaseloft_key_file_pem(&kf, &key);
        ERR_clear_error();

        return rc;
    }

    p = key.secret.data;

    while (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n') {
        p++;
    }

    if (*p == '{') {
        rc = ngx_leaseloft_key_set_read(&kf, &key.secret);
        ERR_clear_error();

        return rc;
    }

    if (key.secret.len && key.secret.data[key.secret.len - 1] == '\n') {
        key.secret.len--;
    }

    return ngx_leaseloft_key_add_secret(&kf, &key);
}


static ngx_int_t
ngx_leaseloft_key_file_load(ngx_leaseloft_key_file_t *kf, ngx_str_t *content)
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
                                       "cannot be opened; put the secret, the "
                                       "PEM public key or the JWKS there");
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


/* the first PEM block from p on, or NULL */
static u_char *
ngx_leaseloft_key_file_block(ngx_str_t *content, u_char *p)
{
    return ngx_strlcasestrn(p, content->data + content->len,
                            (u_char *) "-----begin ",
                            sizeof("-----begin ") - 2);
}


static ngx_int_t
ngx_leaseloft_key_file_pem(ngx_leaseloft_key_file_t *kf,
    ngx_leaseloft_key_t *key)
{
    BIO        *bio;
    char       *fault;
    u_char     *p;
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

    p = ngx_leaseloft_key_file_block(&key->secret, key->secret.data);

    if (ngx_leaseloft_key_file_block(&key->secret, p + 1)) {
        return ngx_leaseloft_key_fault(kf, 0,
                                       "contains several PEM blocks; put each "
                                       "key into a file of its own");
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

    rc = ngx_leaseloft_key_add_public(kf, key, pkey, &fault);
    EVP_PKEY_free(pkey);

    return rc == NGX_DECLINED ? ngx_leaseloft_key_fault(kf, 0, fault) : rc;
}
