
/*
 * Keys that verify tokens (RFC 7518), read from files.
 */


#ifndef NGX_LEASELOFT_KEY_H
#define NGX_LEASELOFT_KEY_H


#include "ngx_leaseloft.h"

#include <jwt.h>
#include <openssl/evp.h>


#define NGX_LEASELOFT_DIGEST_LEN  32


struct ngx_leaseloft_key_s {
    jwt_alg_t                   alg;       /* determined by the key */
    char                       *name;      /* of the algorithm */
    ngx_str_t                   secret;    /* or the public key's PEM */
    EVP_MAC_CTX                *mac;       /* HMAC-SHA256 with the secret */
    u_char                      id[NGX_LEASELOFT_DIGEST_LEN];
};


/*
 * An HMAC-SHA256 context with the secret as its key, freed by the caller; NULL
 * after an error of OpenSSL.
 */
EVP_MAC_CTX *ngx_leaseloft_key_mac(ngx_str_t *secret);

/*
 * Reads a key file into cf->pool.  NULL after an error, which is logged with
 * name, that of the directive.
 */
ngx_leaseloft_key_t *ngx_leaseloft_key_read(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *file);


#endif /* NGX_LEASELOFT_KEY_H */
