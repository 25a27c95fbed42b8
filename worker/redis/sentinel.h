
/*
 * Asks a sentinel for the address of the primary, once and then repeatedly:
 * https://redis.io/docs/latest/develop/reference/sentinel-clients/
 */


#ifndef SENTINEL_H
#define SENTINEL_H


#include <stddef.h>

#include "login.h"


typedef struct {
    char      host[LL_REDIS_URL_HOST + 1];
    unsigned  port;
} sentinel_primary_t;


/* the connection to the sentinel that was asked last */

typedef struct {
    wire_t              wire;
    sentinel_primary_t  primary;   /* that it named */
    int                 waiting;   /* for its next answer */
    int64_t             at;        /* of the last question, in ms */
} sentinel_t;


/*
 * Asks the sentinel at addr for the primary called name, and sets
 * sentinel->primary.  A sentinel that demands a password gets that of Redis.
 * Returns 0, and the connection stays open, or -1 with a sentence in why, of
 * size bytes.
 */
int sentinel_ask(sentinel_t *sentinel, const sock_addr_t *addr,
    const server_login_t *login, const ll_str_t *name, char *why, size_t size);

/*
 * Asks the same sentinel again and again, without waiting for the answer; to be
 * called often.  Returns 1 if it names another primary now, 0 if not, or -1 if
 * the connection is lost.
 */
int sentinel_poll(sentinel_t *sentinel, const ll_str_t *name);

/* Closes the connection and frees its memory. */
void sentinel_close(sentinel_t *sentinel);


#endif /* SENTINEL_H */
