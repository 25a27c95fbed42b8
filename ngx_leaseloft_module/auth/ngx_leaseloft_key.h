
/*
 * Keys that verify tokens (RFC 7518), read from files: one key each, or a JSON
 * Web Key Set (RFC 7517).
 */


#ifndef NGX_LEASELOFT_KEY_H
#define NGX_LEASELOFT_KEY_H


#include "ngx_leaseloft.h"

#include <jwt.h>
#include <openssl/evp.h>


#define NGX_LEASELOFT_DIGEST_LEN  32

/* of one location: a token may have to be tried with each of them */
#define NGX_LEASELOFT_KEYS_MAX    64


typedef struct {
    jwt_alg_t                   alg;       /* determined by the key;
                                              JWT_ALG_INVAL for EdDSA */
    char                       *name;      /* of the algorithm */
    ngx_str_t                   kid;       /* data is NULL: none */
    ngx_str_t                   secret;    /* or the public key's PEM */
    EVP_MAC_CTX                *mac;       /* HMAC-SHA256 with the secret */
    EVP_PKEY                   *pkey;      /* of EdDSA, else NULL */
} ngx_leaseloft_key_t;


struct ngx_leaseloft_keys_s {
    ngx_array_t                 list;      /* of ngx_leaseloft_key_t */
    u_char                      id[NGX_LEASELOFT_DIGEST_LEN];  /* of all */
};


/* where a key was read: the directive and the file, for error messages */
typedef struct {
    ngx_conf_t                 *cf;
    ngx_str_t                  *name;
    ngx_str_t                  *file;
    ngx_leaseloft_keys_t       *keys;
} ngx_leaseloft_key_file_t;


/*
 * An HMAC-SHA256 context with the secret as its key, freed by the caller; NULL
 * after an error of OpenSSL.
 */
EVP_MAC_CTX *ngx_leaseloft_key_mac(ngx_str_t *secret);

/*
 * Completes a key whose secret is set, in cf->pool, and adds it to kf->keys.
 * NGX_OK, or NGX_ERROR after a logged error.
 */
ngx_int_t ngx_leaseloft_key_add_secret(ngx_leaseloft_key_file_t *kf,
    ngx_leaseloft_key_t *key);

/*
 * The same for a public key, whose PEM is made if key->secret is empty.
 * NGX_DECLINED: it is of a type, size or curve that is not supported, which
 * *fault says, and was not added.
 */
ngx_int_t ngx_leaseloft_key_add_public(ngx_leaseloft_key_file_t *kf,
    ngx_leaseloft_key_t *key, EVP_PKEY *pkey, char **fault);

/*
 * Logs a fault of the file, as a continuation of "DIRECTIVE: FILE", and returns
 * NGX_ERROR; err is an errno or 0.
 */
ngx_int_t ngx_leaseloft_key_fault(ngx_leaseloft_key_file_t *kf, ngx_err_t err,
    char *fault);


#endif /* NGX_LEASELOFT_KEY_H */
