
/*
 * Signatures of tokens (RFC 7515).
 */


#ifndef NGX_LEASELOFT_SIGNATURE_H
#define NGX_LEASELOFT_SIGNATURE_H


#include "ngx_leaseloft_key.h"


/* the longest token that is accepted, in bytes */
#define NGX_LEASELOFT_JWT_MAX  8192


/*
 * 1 if a secret is the only key, and did not sign the token; signature is the
 * last part of the token.  0 says nothing.
 */
ngx_uint_t ngx_leaseloft_signature_forged(ngx_leaseloft_keys_t *keys,
    ngx_str_t *token, ngx_str_t *signature);

/*
 * Verifies a token, of at most NGX_LEASELOFT_JWT_MAX bytes, whose header names
 * the algorithm of the key; parts are its header, claims and signature.
 * Returns its claims, to be freed by jwt_free(), or NULL if the signature is
 * not that of the key, or the claims are not a JSON object.
 */
jwt_t *ngx_leaseloft_signature_verify(ngx_leaseloft_key_t *key,
    ngx_str_t *token, ngx_str_t *parts);


#endif /* NGX_LEASELOFT_SIGNATURE_H */
