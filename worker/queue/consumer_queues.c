
/*
 * Which queues a worker reads: those that it was told of, those that an nginx
 * says it has, and whatever others there are, as an nginx that had more may
 * have left requests in them.
 *
 * Consumers that died are removed here, too: a worker makes itself one in the
 * group of each queue, and only one that ends well takes it away.
 */

#include <string.h>

#include "common/keys.h"
#include "consumer.h"
#include "log.h"


/* one that has done nothing for so many claim times is gone: a minute */
#define CONSUMER_FORGET  12


/* the stream and the group of queue k: 0, or -1 */

static int
consumer_create(consumer_t *consumer, unsigned k)
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
consumer_setup(consumer_t *consumer)
{
    unsigned  k;

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        if (consumer_reads(consumer, k) && consumer_create(consumer, k) == -1) {
            return -1;
        }
    }

    return 0;
}


static int
consumer_add(consumer_t *consumer, unsigned k)
{
    if (consumer_reads(consumer, k)) {
        return 0;
    }

    if (consumer_create(consumer, k) == -1) {
        return -1;
    }

    log_notice("queue %u is read too, beyond --queues", k);
    consumer->queues |= UINT64_C(1) << k;

    return 0;
}


int
consumer_widen(consumer_t *consumer, unsigned n)
{
    unsigned  k;

    for (k = 0; k < n; k++) {
        if (consumer_add(consumer, k) == -1) {
            return -1;
        }
    }

    return 0;
}


int
consumer_find(consumer_t *consumer)
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

        reply = consumer_reply(consumer);

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
            rc = consumer_add(consumer, k);
        }
    }

    return rc;
}


/*
 * one that lives, but had nothing to do, is removed as well, and made again
 * with its next request
 */

int
consumer_sweep(consumer_t *consumer)
{
    unsigned     k;
    redisReply  *reply;

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        if (!consumer_reads(consumer, k)) {
            continue;
        }

        if (store_sweep(&consumer->work->store, k,
                        consumer->claim_ms * CONSUMER_FORGET)
            == -1)
        {
            return -1;
        }

        reply = consumer_reply(consumer);
        if (reply == NULL) {
            return -1;
        }

        if (reply->type == REDIS_REPLY_INTEGER && reply->integer > 0) {
            log_notice("removed %lld idle consumers from queue %u",
                       reply->integer, k);
        }

        freeReplyObject(reply);
    }

    return 0;
}
