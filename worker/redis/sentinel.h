
/*
 * Asks a sentinel for the address of the primary:
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


/*
 * Asks the sentinel at addr for the primary called name.  A sentinel that
 * demands a password gets that of Redis.  Returns 0, or -1 with a sentence in
 * why, of size bytes.
 */
int sentinel_ask(const sock_addr_t *addr, const server_login_t *login,
    const ll_str_t *name, sentinel_primary_t *primary, char *why, size_t size);


#endif /* SENTINEL_H */
