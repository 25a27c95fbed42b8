
/*
 * Asks a sentinel, over a connection of its own.  After a requested failover
 * the old primary takes writes for some ten seconds, and nothing but the
 * sentinels tells that another one was promoted.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "sentinel.h"


/* one sentinel of several, so less than for Redis */
#define SENTINEL_CONNECT_MS  1000
#define SENTINEL_TIMEOUT_MS  1000

/* how often it is asked again */
#define SENTINEL_POLL_MS     250


/* queues SENTINEL GET-MASTER-ADDR-BY-NAME name: 0 or -1 */
static int
sentinel_send(wire_t *wire, const ll_str_t *name)
{
    int     rc;
    args_t  args = ARGS_INIT;

    args_lit(&args, "SENTINEL");
    args_lit(&args, "GET-MASTER-ADDR-BY-NAME");
    args_add(&args, name->data, name->len);

    rc = wire_send(wire, &args);
    args_free(&args);

    return rc;
}


static redisReply *
sentinel_call(wire_t *wire, const ll_str_t *name)
{
    return sentinel_send(wire, name) == 0 ? wire_recv(wire) : NULL;
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
sentinel_ask(sentinel_t *sentinel, const sock_addr_t *addr,
    const server_login_t *login, const ll_str_t *name, char *why, size_t size)
{
    int          rc;
    wire_t      *wire = &sentinel->wire;
    redisReply  *reply;

    sentinel->waiting = 0;
    sentinel->at = clock_monotonic();

    (void) wire_open(wire, addr, SENTINEL_CONNECT_MS, SENTINEL_TIMEOUT_MS);
    reply = sentinel_call(wire, name);

    if (reply && reply->type == REDIS_REPLY_ERROR
        && strncmp(reply->str, "NOAUTH ", 7) == 0
        && login_auth(wire, login) == 0)
    {
        freeReplyObject(reply);
        reply = sentinel_call(wire, name);
    }

    rc = -1;

    if (reply == NULL || !wire_alive(wire)) {
        (void) snprintf(why, size, "sentinel %.80s:%u: %s", addr->host,
                        addr->port, wire->error);

    } else if (reply->type == REDIS_REPLY_NIL) {
        (void) snprintf(why, size, "sentinel %.80s:%u does not know a primary "
                        "\"%.*s\"", addr->host, addr->port, (int) name->len,
                        name->data);

    } else if (reply->type == REDIS_REPLY_ERROR) {
        (void) snprintf(why, size, "sentinel %.80s:%u refuses: %.80s",
                        addr->host, addr->port, reply->str);

    } else if (sentinel_parse(reply, &sentinel->primary) == -1) {
        (void) snprintf(why, size, "sentinel %.80s:%u gives no valid address",
                        addr->host, addr->port);

    } else {
        rc = 0;
    }

    freeReplyObject(reply);

    if (rc == -1) {
        sentinel_close(sentinel);
    }

    return rc;
}


/* reads an answer: 1 if it names another primary, 0 if the same, or -1 */
static int
sentinel_recv(sentinel_t *sentinel)
{
    int                  rc;
    redisReply          *reply;
    sentinel_primary_t   old;

    old = sentinel->primary;
    sentinel->waiting = 0;

    reply = wire_recv(&sentinel->wire);
    rc = reply ? sentinel_parse(reply, &sentinel->primary) : -1;
    freeReplyObject(reply);

    if (rc == -1) {
        sentinel_close(sentinel);
        return -1;
    }

    return old.port != sentinel->primary.port
           || strcmp(old.host, sentinel->primary.host) != 0;
}


int
sentinel_poll(sentinel_t *sentinel, const ll_str_t *name)
{
    int64_t  now;

    if (!wire_alive(&sentinel->wire)) {
        return -1;
    }

    now = clock_monotonic();

    if (sentinel->waiting) {
        if (wire_ready(&sentinel->wire)) {
            return sentinel_recv(sentinel);
        }

        if (now < sentinel->at + SENTINEL_TIMEOUT_MS) {
            return 0;
        }

        sentinel_close(sentinel);
        return -1;
    }

    if (now < sentinel->at + SENTINEL_POLL_MS) {
        return 0;
    }

    sentinel->at = now;
    sentinel->waiting = 1;

    return sentinel_send(&sentinel->wire, name) == 0
           && wire_flush(&sentinel->wire) == 0 ? 0 : -1;
}


void
sentinel_close(sentinel_t *sentinel)
{
    wire_free(&sentinel->wire);
}
