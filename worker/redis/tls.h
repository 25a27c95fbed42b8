
/*
 * TLS to Redis, by OpenSSL: versions 1.2 and later, and always with the
 * server's certificate verified, against the system's CAs or those of a file,
 * and its name compared.
 */


#ifndef TLS_H
#define TLS_H


#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "server.h"


/*
 * Reads the CAs, the certificate and its key.  Returns the context, to be freed
 * by SSL_CTX_free() at any time, or NULL with a sentence in why, of size bytes.
 */
SSL_CTX *tls_create(const server_t *server, char *why, size_t size);

/*
 * Negotiates TLS on a connected, non-blocking socket, until the deadline by
 * clock_monotonic().  The certificate must be for name, a host name or an
 * address.  Returns the session, to be freed by SSL_free(), or NULL with a
 * sentence in why.
 */
SSL *tls_open(SSL_CTX *ctx, int fd, const char *name, int64_t deadline,
    char *why, size_t size);

/*
 * Says that the server has answered: it accepts the client's certificate, or
 * that there is none.
 */
void tls_accepted(SSL *ssl);

/*
 * Describes why a call with the result rc has failed, in why.  Empties
 * OpenSSL's queue of errors.
 */
void tls_describe(const SSL *ssl, int rc, char *why, size_t size);


#endif /* TLS_H */
