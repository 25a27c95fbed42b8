
/*
 * Key files: a secret, a PEM public key, or a JSON Web Key Set (RFC 7517).
 */


#ifndef NGX_LEASELOFT_KEY_FILE_H
#define NGX_LEASELOFT_KEY_FILE_H


#include "ngx_leaseloft_key.h"


/*
 * Reads a file and adds its keys, in cf->pool, to keys.  NGX_OK, or NGX_ERROR
 * after an error that is logged with name, that of the directive.
 */
ngx_int_t ngx_leaseloft_key_file_read(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *file, ngx_leaseloft_keys_t *keys);


#endif /* NGX_LEASELOFT_KEY_FILE_H */
