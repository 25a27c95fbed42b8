
/*
 * The key that signs checkpoints of records (docs/record.md).  It is read once,
 * when the configuration is, by the master process.
 */


#ifndef NGX_LEASELOFT_SIGNER_H
#define NGX_LEASELOFT_SIGNER_H


#include "ngx_leaseloft.h"

#include "common/sign.h"


/* parses "leaseloft_record_key FILE [ORIGIN]" */
char *ngx_leaseloft_signer_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * Inherits key and name, and takes the name of the server if none is set.
 * Returns NGX_CONF_OK, or NGX_CONF_ERROR if a location with records has a key
 * without a name.
 */
char *ngx_leaseloft_signer_merge(ngx_conf_t *cf, ngx_leaseloft_loc_conf_t *prev,
    ngx_leaseloft_loc_conf_t *conf);

/* Writes the public key, at most LL_SIGN_KEY_MAX bytes: NGX_OK or NGX_ERROR. */
ngx_int_t ngx_leaseloft_signer_public(ngx_leaseloft_loc_conf_t *conf,
    u_char *dst, size_t *len);

/*
 * Writes a signed checkpoint, at most LL_SIGN_MAX bytes; its origin is set
 * here.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_signer_sign(ngx_leaseloft_loc_conf_t *conf,
    ll_sign_t *note, u_char *dst, size_t *len);


#endif /* NGX_LEASELOFT_SIGNER_H */
