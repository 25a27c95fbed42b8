
/* Asks a sentinel, over a connection of its own. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sentinel.h"


/* one sentinel of several, so less than for Redis */
#define SENTINEL_CONNECT_MS  1000
#define SENTINEL_TIMEOUT_MS  1000


/* SENTINEL GET-MASTER-ADDR-BY-NAME name */
static redisReply *
sentinel_call(wire_t *wire, const ll_str_t *name)
{
    args_t       args = ARGS_INIT;
    redisReply  *reply;

    args_lit(&args, "SENTINEL");
    args_lit(&args, "GET-MASTER-ADDR-BY-NAME");
    args_add(&args, name->data, name->len);

    reply = wire_call(wire, &args);
    args_free(&args);

    return reply;
}


/* copies the reply [host, port]: 0 or -1 */
static int
sentinel_parse(const redisReply *reply, sentinel_primary_t *primary)
{
    char              *end;
    long               port;
    const redisReply  *host, *number;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2) {
        return -1;
    }

    host = reply->element[0];
    number = reply->element[1];

    if (host->type != REDIS_REPLY_STRING || number->type != REDIS_REPLY_STRING
        || host->len == 0 || (size_t) host->len > LL_REDIS_URL_HOST)
    {
        return -1;
    }

    port = strtol(number->str, &end, 10);

    if (*end != '\0' || port < 1 || port > 65535) {
        return -1;
    }

    (void) snprintf(primary->host, sizeof(primary->host), "%s", host->str);
    primary->port = (unsigned) port;

    return 0;
}


int
sentinel_ask(const sock_addr_t *addr, const server_login_t *login,
    const ll_str_t *name, sentinel_primary_t *primary, char *why, size_t size)
{
    int          rc;
    wire_t       wire = WIRE_INIT;
    redisReply  *reply;

    (void) wire_open(&wire, addr, SENTINEL_CONNECT_MS, SENTINEL_TIMEOUT_MS);
    reply = sentinel_call(&wire, name);

    if (reply && reply->type == REDIS_REPLY_ERROR
        && strncmp(reply->str, "NOAUTH ", 7) == 0
        && login_auth(&wire, login) == 0)
    {
        freeReplyObject(reply);
        reply = sentinel_call(&wire, name);
    }

    rc = -1;

    if (reply == NULL || !wire_alive(&wire)) {
        (void) snprintf(why, size, "sentinel %.80s:%u: %s", addr->host,
                        addr->port, wire.error);

    } else if (reply->type == REDIS_REPLY_NIL) {
        (void) snprintf(why, size, "sentinel %.80s:%u does not know a primary "
                        "\"%.*s\"", addr->host, addr->port, (int) name->len,
                        name->data);

    } else if (reply->type == REDIS_REPLY_ERROR) {
        (void) snprintf(why, size, "sentinel %.80s:%u refuses: %.80s",
                        addr->host, addr->port, reply->str);

    } else if (sentinel_parse(reply, primary) == -1) {
        (void) snprintf(why, size, "sentinel %.80s:%u gives no valid address",
                        addr->host, addr->port);

    } else {
        rc = 0;
    }

    freeReplyObject(reply);
    wire_free(&wire);

    return rc;
}
