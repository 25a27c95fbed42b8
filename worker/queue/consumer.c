
/*
 * Reads the queues with XREADGROUP, and acknowledges with XDEL and XACK.
 *
 * The consumer owns its commands, the ids to acknowledge and a prefetched
 * reply; the connection is the store's.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/keys.h"
#include "consumer.h"
#include "debts.h"
#include "log.h"
#include "queue_entry.h"
#include "slot_map.h"


/*
 * Acknowledgements wait so long for other commands to be sent with.  That saves
 * a write to the append-only file of Redis, which delays all clients.
 */
#define CONSUMER_LINGER_MS  20


void
consumer_init(consumer_t *consumer, work_t *work, const char *name,
    unsigned queues, unsigned limit, int64_t claim_ms)
{
    memset(consumer, 0, sizeof(consumer_t));

    consumer->work = work;
    consumer->conn = work->store.conn;
    consumer->name = name;
    consumer->queues = ~UINT64_C(0) >> (LL_QUEUES_MAX - queues);
    consumer->limit = limit;
    consumer->claim_ms = claim_ms;
}


void
consumer_free(consumer_t *consumer)
{
    unsigned  k;

    consumer_prefetch_drop(consumer);
    args_free(&consumer->args);

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        args_free(&consumer->acks[k]);
    }
}


args_t *
consumer_command(consumer_t *consumer, const char *name, const char *sub,
    unsigned k)
{
    char     key[LL_KEY_MAX];
    args_t  *args = &consumer->args;

    args_reset(args);
    args_adds(args, name);

    if (sub != NULL) {
        args_adds(args, sub);
    }

    args_copy(args, key, ll_keys_queue(key, k));
    args_lit(args, LL_QUEUE_GROUP);

    return args;
}


redisReply *
consumer_reply(consumer_t *consumer)
{
    redisReply  *reply;

    reply = conn_recv(consumer->conn);

    if (reply != NULL && reply->type == REDIS_REPLY_ERROR) {
        if (!slot_map_is_away(reply)) {
            log_error("redis refused a command for the queue: \"%.200s\"",
                      reply->str);
        }

        freeReplyObject(reply);
        return NULL;
    }

    return reply;
}


int
consumer_reads(const consumer_t *consumer, unsigned k)
{
    return (consumer->queues >> k) & 1;
}


/* queues to be read now */
static uint64_t
consumer_now(const consumer_t *consumer)
{
    return consumer->queues & (~consumer->others | consumer->helped);
}


int
consumer_has_queues(const consumer_t *consumer)
{
    return consumer_now(consumer) != 0;
}


/* moves an invalid request to the dead letters of its queue: 0, or -1 */
static int
consumer_bury(consumer_t *consumer, unsigned k, const redisReply *entry,
    const char *why)
{
    redisReply  *reply;

    queue_entry_dead(&consumer->args, k, entry, why);

    reply = conn_send(consumer->conn, &consumer->args) == 0
            ? consumer_reply(consumer) : NULL;

    if (reply == NULL) {
        return -1;
    }

    if (reply->integer == 1) {
        log_warn("request %s becomes a dead letter: %s",
                 entry->element[0]->str, why);
        consumer->work->stats->dead++;
    }

    freeReplyObject(reply);

    return 0;
}


/* moves a request that failed too often to the dead letters: 0, or -1 */
static int
consumer_give_up(consumer_t *consumer, unsigned k, const redisReply *entry)
{
    char         text[sizeof(CONSUMER_FAILED ": ") + FAILURE_TEXT];
    const char  *why;

    why = failure_find(&consumer->work->failures, entry->element[0]->str);

    (void) snprintf(text, sizeof(text), "%s%s%s", CONSUMER_FAILED,
                    why ? ": " : "", why ? why : "");

    return consumer_bury(consumer, k, entry, text);
}


/* adds an entry to the batch, or moves it to the dead letters: 0, or -1 */
static int
consumer_take(consumer_t *consumer, batch_t *batch, unsigned k,
    const redisReply *entry, long long deliveries)
{
    job_t       *job;
    const char  *why;

    if (deliveries > CONSUMER_DELIVERIES) {
        return consumer_give_up(consumer, k, entry);
    }

    job = batch_add(batch);
    if (job == NULL) {
        return -1;
    }

    why = queue_entry_parse(job, entry, consumer->work->properties);

    if (why == queue_entry_no_memory) {

        /* it stays pending, and is read again */

        batch->n--;
        return -1;
    }

    if (why != NULL) {
        batch->n--;
        return consumer_bury(consumer, k, entry, why);
    }

    job->queue = k;
    job->deliveries = deliveries;

    consumer->work->stats->requests++;

    return 0;
}


/* 1 if it is an entry with a valid id */
static int
consumer_is_entry(const redisReply *entry)
{
    const redisReply  *id;

    id = conn_element(entry, 0);

    return id != NULL && id->type == REDIS_REPLY_STRING
           && id->len < STATE_REQUEST_MAX;
}


int
consumer_take_list(consumer_t *consumer, batch_t *batch, unsigned k,
    const redisReply *list, const long long *deliveries)
{
    size_t  i;

    for (i = 0; list != NULL && i < list->elements; i++) {

        if (consumer_is_entry(list->element[i])
            && consumer_take(consumer, batch, k, list->element[i],
                             deliveries ? deliveries[i] : 1)
               == -1)
        {
            return -1;
        }
    }

    return 0;
}


static void
consumer_add_acks(args_t *args, const args_t *acks)
{
    int  i;

    for (i = 0; i < acks->n; i++) {
        args_add(args, acks->argv[i], acks->argvlen[i]);
    }
}


int
consumer_send_acks(consumer_t *consumer)
{
    int        rc;
    args_t    *args, *acks;
    unsigned   k;

    /* requests that owe something stay pending until that is stored */

    if (debts_waiting(consumer->work)) {
        return 0;
    }

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        if (!consumer_reads(consumer, k)) {
            continue;
        }

        acks = &consumer->acks[k];

        if (acks->n == 0) {
            continue;
        }

        if (args_finish(acks) == -1) {
            args_reset(acks);
            continue;
        }

        /*
         * XDEL comes first.  If the connection breaks between the two, Redis
         * drops a pending entry that was deleted when it is claimed, while an
         * entry that was acknowledged but not deleted would stay for ever.
         */

        args = consumer_command(consumer, "XDEL", NULL, k);
        args->n--;
        consumer_add_acks(args, acks);

        rc = conn_send_quiet(consumer->conn, args);

        if (rc == 0) {
            args = consumer_command(consumer, "XACK", NULL, k);
            consumer_add_acks(args, acks);
            rc = conn_send_quiet(consumer->conn, args);
        }

        args_reset(acks);

        if (rc == -1) {
            return -1;
        }
    }

    consumer->acks_pending = 0;

    return 0;
}


void
consumer_ack(consumer_t *consumer, const batch_t *batch)
{
    size_t        i;
    const job_t  *job;

    for (i = 0; i < batch->n; i++) {
        job = &batch->jobs[i];

        if (job->id != NULL && job_accepted(job)) {
            args_copy(&consumer->acks[job->queue], job->id, strlen(job->id));
            consumer->acks_pending = 1;
        }
    }
}


/*
 * The queues of the next read, and how long it may block.  In a cluster, queues
 * take turns: besides the home queue there is another one only for as long as
 * it has requests that were added by an older map.
 */
static uint64_t
consumer_choose(consumer_t *consumer, int64_t *block)
{
    unsigned  i, k;
    uint64_t  now;

    now = consumer_now(consumer);

    if (!consumer->apart || (now & (now - 1)) == 0) {
        return now;
    }

    *block = *block < CONSUMER_LINGER_MS ? *block : CONSUMER_LINGER_MS;

    for (i = 1; i <= LL_QUEUES_MAX; i++) {
        k = (consumer->turn + i) % LL_QUEUES_MAX;

        if ((now >> k) & 1) {
            consumer->turn = k;
            return UINT64_C(1) << k;
        }
    }

    return now;
}


static int
consumer_send_read(consumer_t *consumer, int64_t block)
{
    char      key[LL_KEY_MAX];
    args_t   *args = &consumer->args;
    unsigned  k;
    uint64_t  now;

    now = consumer_choose(consumer, &block);

    args_reset(args);
    args_lit(args, "XREADGROUP");
    args_lit(args, "GROUP");
    args_lit(args, LL_QUEUE_GROUP);
    args_adds(args, consumer->name);
    args_lit(args, "COUNT");
    args_number(args, consumer->limit);

    /* BLOCK 0 blocks without a limit */

    if (block > 0) {
        args_lit(args, "BLOCK");
        args_number(args, block);
    }

    args_lit(args, "STREAMS");

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        if ((now >> k) & 1) {
            args_copy(args, key, ll_keys_queue(key, k));
        }
    }

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        if ((now >> k) & 1) {
            args_lit(args, ">");
        }
    }

    return conn_send(consumer->conn, args);
}


/* the number of the queue with that key, or -1 */
static int
consumer_queue(const consumer_t *consumer, const redisReply *key)
{
    char      name[LL_KEY_MAX];
    unsigned  k;

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        if (!consumer_reads(consumer, k)) {
            continue;
        }

        (void) ll_keys_queue(name, k);

        if (key != NULL && key->type == REDIS_REPLY_STRING
            && strcmp(name, key->str) == 0)
        {
            return (int) k;
        }
    }

    return -1;
}


int
consumer_prefetch(consumer_t *consumer, int64_t block)
{
    if (consumer->prefetching || consumer->prefetched != NULL) {
        return 0;
    }

    /* acknowledgements that are added meanwhile must not wait longer */

    block = block < CONSUMER_LINGER_MS ? block : CONSUMER_LINGER_MS;
    consumer->prefetching = 1;

    return consumer_send_read(consumer, block);
}


int
consumer_prefetching(const consumer_t *consumer)
{
    return consumer->prefetching || consumer->prefetched != NULL;
}


void
consumer_prefetch_wait(consumer_t *consumer)
{
    if (consumer->prefetching) {
        consumer->prefetching = 0;
        consumer->prefetched = consumer_reply(consumer);
    }
}


int
consumer_prefetched(consumer_t *consumer)
{
    if (consumer->prefetched == NULL) {
        return 0;
    }

    if (consumer->prefetched->elements > 0) {
        return 1;
    }

    consumer_prefetch_drop(consumer);

    return 0;
}


void
consumer_prefetch_drop(consumer_t *consumer)
{
    freeReplyObject(consumer->prefetched);

    consumer->prefetched = NULL;
    consumer->prefetching = 0;
}


/* the prefetched reply, or that to a new read; NULL on errors */
static redisReply *
consumer_next(consumer_t *consumer, int64_t block)
{
    redisReply  *reply;

    if (consumer_prefetching(consumer)) {
        consumer_prefetch_wait(consumer);
        reply = consumer->prefetched;
        consumer->prefetched = NULL;
        return reply;
    }

    if (consumer->acks_pending) {
        if (consumer->busy) {
            block = block < CONSUMER_LINGER_MS ? block : CONSUMER_LINGER_MS;

        } else if (consumer_send_acks(consumer) == -1) {
            return NULL;
        }
    }

    return consumer_send_read(consumer, block) == 0 ? consumer_reply(consumer)
                                                    : NULL;
}


int
consumer_read(consumer_t *consumer, batch_t *batch, int64_t block)
{
    int                k;
    size_t             i;
    redisReply        *reply;
    const redisReply  *stream;

    reply = consumer_next(consumer, block);
    if (reply == NULL || batch_add_reply(batch, reply) == -1) {
        return -1;
    }

    consumer->busy = reply->elements != 0;

    for (i = 0; i < reply->elements; i++) {
        stream = conn_element(reply, i);
        k = consumer_queue(consumer, conn_element(stream, 0));

        if (k != -1
            && consumer_take_list(consumer, batch, (unsigned) k,
                                  conn_element(stream, 1), NULL)
               == -1)
        {
            return -1;
        }
    }

    return 0;
}


void
consumer_leave(consumer_t *consumer)
{
    size_t             i;
    args_t            *args;
    unsigned           k;
    long long          pending;
    redisReply        *reply;

    if (consumer_send_acks(consumer) == -1) {
        return;
    }

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        if (!consumer_reads(consumer, k)) {
            continue;
        }

        args = consumer_command(consumer, "XPENDING", NULL, k);
        args_lit(args, "-");
        args_lit(args, "+");
        args_lit(args, "1");
        args_adds(args, consumer->name);

        reply = conn_call(consumer->conn, args);
        pending = 1;

        if (reply != NULL && reply->type == REDIS_REPLY_ARRAY) {
            i = reply->elements;
            pending = (long long) i;
        }

        freeReplyObject(reply);

        if (pending) {
            continue;
        }

        args = consumer_command(consumer, "XGROUP", "DELCONSUMER", k);
        args_adds(args, consumer->name);

        freeReplyObject(conn_call(consumer->conn, args));
    }
}
