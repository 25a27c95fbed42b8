
/* Keys that sign tokens (RFC 7518, RFC 8037), read from files. */


#ifndef CLI_TOKEN_KEY_H
#define CLI_TOKEN_KEY_H


#include <openssl/evp.h>

#include "cli.h"


/* The type of a key determines its algorithm. */

typedef struct {
    EVP_PKEY      *pkey;
    const char    *name;           /* of the algorithm, as in a token */
    const EVP_MD  *digest;         /* NULL for EdDSA */
} cli_token_key_t;


/*
 * Reads a private key in PEM, or else a secret.  Returns 0, with a key that the
 * caller frees, or -1 after an error message.
 */
int cli_token_key_read(cli_token_key_t *key, const char *path);

/*
 * Appends the signature of the text, as tokens have it, to sig.  Returns 0, or
 * -1 if OpenSSL or the memory fails.
 */
int cli_token_key_sign(const cli_token_key_t *key, const buf_t *text,
    buf_t *sig);

/* Frees what was read. */
void cli_token_key_free(cli_token_key_t *key);


#endif /* CLI_TOKEN_KEY_H */
