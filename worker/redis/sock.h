
/*
 * A socket to Redis: a unix socket or TCP, with or without TLS.  Every call
 * returns within a time limit.
 */


#ifndef SOCK_H
#define SOCK_H


#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <openssl/ssl.h>


typedef struct {
    const char  *path;             /* of a unix socket, or NULL */
    const char  *host;
    unsigned     port;
    SSL_CTX     *tls;              /* NULL without TLS */
    const char  *name;             /* for TLS: of the server */
} sock_addr_t;


typedef struct {
    int     fd;                    /* -1 if closed */
    SSL    *ssl;                   /* NULL without TLS */
    char    error[160];            /* of the last failure */
} sock_t;


#define SOCK_INIT  { -1, NULL, "" }


/*
 * Connects, and negotiates TLS, within ms milliseconds after the host name is
 * resolved.  Returns 0, or -1 with the reason in sock->error.
 */
int sock_open(sock_t *sock, const sock_addr_t *addr, int64_t ms);

/* Closes the socket; a closed one is allowed. */
void sock_close(sock_t *sock);

/* Sets how long a read or a write waits.  Returns 0 or -1. */
int sock_set_timeout(sock_t *sock, int ms);

/*
 * Reads at least one and at most size bytes.  Returns their number, or -1 with
 * the reason in sock->error, also after the end.
 */
ssize_t sock_read(sock_t *sock, char *dst, size_t size);

/* Writes len bytes.  Returns 0, or -1 with the reason in sock->error. */
int sock_write(sock_t *sock, const char *s, size_t len);


#endif /* SOCK_H */
