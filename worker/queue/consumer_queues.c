
/*
 * Which queues a worker knows: those of --queues, those that an nginx announces
 * in Redis, and all others that exist, as an nginx that had more queues may
 * have left requests in them.
 *
 * It also deletes idle consumers.  A worker has a consumer in the group of each
 * queue and deletes it when it exits, but not when it is killed.
 *
 * The set of queues is consumer->queues.
 */

#include <string.h>

#include "common/keys.h"
#include "consumer_queues.h"
#include "log.h"


/* idle consumers are deleted after so many times claim_ms: a minute */
#define CONSUMER_QUEUES_IDLE  12


/* creates the stream and the group of queue k: 0, or -1 */
static int
consumer_queues_create_group(consumer_t *consumer, unsigned k)
{
    int          rc;
    args_t      *args;
    redisReply  *reply;

    args = consumer_command(consumer, "XGROUP", "CREATE", k);
    args_lit(args, "0");
    args_lit(args, "MKSTREAM");

    reply = conn_call(consumer->conn, args);
    if (reply == NULL) {
        return -1;
    }

    rc = 0;

    if (reply->type == REDIS_REPLY_ERROR
        && strncmp(reply->str, "BUSYGROUP", 9) != 0)
    {
        log_error("redis refused to create the group of queue %u: \"%.200s\"",
                  k, reply->str);
        rc = -1;
    }

    freeReplyObject(reply);

    return rc;
}


int
consumer_queues_create(consumer_t *consumer)
{
    unsigned  k;

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        if (consumer_reads(consumer, k)
            && consumer_queues_create_group(consumer, k) == -1)
        {
            return -1;
        }
    }

    return 0;
}


static int
consumer_queues_add(consumer_t *consumer, unsigned k)
{
    if (consumer_reads(consumer, k)) {
        return 0;
    }

    if (consumer_queues_create_group(consumer, k) == -1) {
        return -1;
    }

    log_notice("reading queue %u too, beyond --queues", k);
    consumer->queues |= UINT64_C(1) << k;

    return 0;
}


int
consumer_queues_widen(consumer_t *consumer, unsigned n)
{
    unsigned  k;

    for (k = 0; k < n; k++) {
        if (consumer_queues_add(consumer, k) == -1) {
            return -1;
        }
    }

    return 0;
}


int
consumer_queues_find(consumer_t *consumer)
{
    int          rc;
    char         key[LL_KEY_MAX];
    args_t      *args = &consumer->args;
    unsigned     k;
    uint64_t     found;
    redisReply  *reply;

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        if (consumer_reads(consumer, k)) {
            continue;
        }

        args_reset(args);
        args_lit(args, "TYPE");
        args_copy(args, key, ll_keys_queue(key, k));

        if (conn_send(consumer->conn, args) == -1) {
            return -1;
        }
    }

    rc = 0;
    found = 0;

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        if (consumer_reads(consumer, k)) {
            continue;
        }

        /* of the replies to all, the first error is logged */

        reply = rc == 0 ? consumer_reply(consumer) : conn_recv(consumer->conn);

        if (reply == NULL) {
            rc = -1;

        } else if (reply->type == REDIS_REPLY_STATUS
                   && strcmp(reply->str, "stream") == 0)
        {
            found |= UINT64_C(1) << k;
        }

        freeReplyObject(reply);
    }

    for (k = 0; k < LL_QUEUES_MAX && rc == 0; k++) {
        if ((found >> k) & 1) {
            rc = consumer_queues_add(consumer, k);
        }
    }

    return rc;
}


/* asks for the first request of each queue: 0, or -1 */
static int
consumer_queues_ask(consumer_t *consumer, uint64_t queues)
{
    char      key[LL_KEY_MAX];
    args_t   *args = &consumer->args;
    unsigned  k;

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        if (!((queues >> k) & 1)) {
            continue;
        }

        args_reset(args);
        args_lit(args, "XRANGE");
        args_copy(args, key, ll_keys_queue(key, k));
        args_lit(args, "-");
        args_lit(args, "+");
        args_lit(args, "COUNT");
        args_lit(args, "1");

        if (conn_send(consumer->conn, args) == -1) {
            return -1;
        }
    }

    return 0;
}


/* the queues among these that have requests */
static uint64_t
consumer_queues_full(consumer_t *consumer, uint64_t queues)
{
    unsigned     k;
    uint64_t     full;
    redisReply  *reply;

    full = 0;

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        if (!((queues >> k) & 1)) {
            continue;
        }

        reply = conn_recv(consumer->conn);

        if (reply != NULL && reply->type == REDIS_REPLY_ARRAY
            && reply->elements != 0)
        {
            full |= UINT64_C(1) << k;
        }

        freeReplyObject(reply);
    }

    return full;
}


int
consumer_queues_take(consumer_t *consumer, int home, uint64_t own)
{
    unsigned  k;
    uint64_t  bit, queues, others;

    queues = home == -1 ? 0 : UINT64_C(1) << home;
    others = own & ~queues;

    if (consumer_queues_ask(consumer, others) == -1) {
        return -1;
    }

    queues |= consumer_queues_full(consumer, others);

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        bit = UINT64_C(1) << k;

        if ((queues & bit) && !(consumer->queues & bit)
            && consumer_queues_create_group(consumer, k) == -1)
        {
            return -1;
        }

        /* what was not acknowledged is claimed where the queue is now */

        if (!(own & bit)) {
            args_reset(&consumer->acks[k]);
        }
    }

    consumer->apart = 1;
    consumer->queues = queues;

    return conn_alive(consumer->conn) ? 0 : -1;
}


/*
 * The consumer of a living worker that had nothing to do is deleted as well;
 * Redis creates it again with its next read.
 */
int
consumer_queues_sweep(consumer_t *consumer)
{
    unsigned     k;
    redisReply  *reply;

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        if (!consumer_reads(consumer, k)) {
            continue;
        }

        if (store_sweep(&consumer->work->store, k,
                        consumer->claim_ms * CONSUMER_QUEUES_IDLE)
            == -1)
        {
            return -1;
        }

        reply = consumer_reply(consumer);
        if (reply == NULL) {
            return -1;
        }

        if (reply->type == REDIS_REPLY_INTEGER && reply->integer > 0) {
            log_notice("deleted %lld idle consumers of queue %u",
                       reply->integer, k);
        }

        freeReplyObject(reply);
    }

    return 0;
}
