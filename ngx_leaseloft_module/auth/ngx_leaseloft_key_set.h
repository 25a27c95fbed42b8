
/*
 * JSON Web Key Sets (RFC 7517).
 */


#ifndef NGX_LEASELOFT_KEY_SET_H
#define NGX_LEASELOFT_KEY_SET_H


#include "ngx_leaseloft_key.h"


/*
 * Adds the keys of a set, the zero-terminated content of kf->file, to kf->keys.
 * Keys that are for something else, or of an algorithm that is not supported,
 * are left out with a warning.  NGX_OK, or NGX_ERROR after a logged error: the
 * set is malformed, has a private key, or has no key that is used.
 */
ngx_int_t ngx_leaseloft_key_set_read(ngx_leaseloft_key_file_t *kf,
    ngx_str_t *content);


#endif /* NGX_LEASELOFT_KEY_SET_H */
