
/*
 * Requests that were delivered before: to this worker, whose connection broke,
 * or to one that died.
 *
 * Redis counts deliveries, and one request delivered too often is given up, as
 * it may be what workers die of.  A connection that breaks says nothing about
 * a request, so taking back one's own leaves the count alone.
 */

#include <stdlib.h>
#include <string.h>

#include "common/keys.h"
#include "consumer.h"
#include "log.h"


/* requests taken over at a time, and one's own taken back: a whole batch */
#define CLAIM_LIMIT  128
#define CLAIM_OWN    1024


/* XPENDING of what lies between two ids, for this consumer: NULL as usual */

static redisReply *
claim_pending(consumer_t *consumer, unsigned k, const char *first,
    const char *last)
{
    args_t  *args;

    args = consumer_command(consumer, "XPENDING", NULL, k);
    args_adds(args, first);
    args_adds(args, last);
    args_number(args, CLAIM_OWN);
    args_adds(args, consumer->name);

    if (conn_send(consumer->conn, args) == -1) {
        return NULL;
    }

    return consumer_reply(consumer);
}


/* of one line of XPENDING, [id, consumer, idle, deliveries]: 0, or -1 */

static int
claim_line(const redisReply *line, const char **id, long long *deliveries)
{
    const redisReply  *element;

    element = conn_element(line, 0);

    if (element == NULL || element->type != REDIS_REPLY_STRING) {
        return -1;
    }

    *id = element->str;

    return conn_number(conn_element(line, 3), deliveries);
}


/*
 * XCLAIM of one's own request, delivered so often: its entry, held by the
 * batch, as a list of one or none
 */

static const redisReply *
claim_own(consumer_t *consumer, batch_t *batch, unsigned k, const char *id,
    long long deliveries)
{
    args_t      *args;
    redisReply  *reply;

    args = consumer_command(consumer, "XCLAIM", NULL, k);
    args_adds(args, consumer->name);
    args_lit(args, "0");
    args_adds(args, id);
    args_lit(args, "RETRYCOUNT");
    args_number(args, deliveries);

    if (conn_send(consumer->conn, args) == -1) {
        return NULL;
    }

    reply = consumer_reply(consumer);

    if (reply == NULL || batch_hold(batch, reply) == -1) {
        return NULL;
    }

    if (reply->elements > 1) {
        log_error("redis answered a claim with something else");
        return NULL;
    }

    return reply;
}


static int
claim_recover(consumer_t *consumer, batch_t *batch, unsigned k, int crashed)
{
    int                rc;
    size_t             i;
    long long          deliveries;
    const char        *id;
    redisReply        *pending;
    const redisReply  *list;

    pending = claim_pending(consumer, k, "-", "+");
    if (pending == NULL) {
        return -1;
    }

    rc = 0;

    for (i = 0; i < pending->elements && rc == 0; i++) {
        if (claim_line(pending->element[i], &id, &deliveries) == -1) {
            rc = -1;
            break;
        }

        deliveries += crashed;

        list = claim_own(consumer, batch, k, id, deliveries);
        rc = list == NULL ? -1 : consumer_take_list(consumer, batch, k, list,
                                                    &deliveries);
    }

    freeReplyObject(pending);

    return rc;
}


int
consumer_recover(consumer_t *consumer, batch_t *batch, int crashed)
{
    unsigned  k;

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        if (!consumer_reads(consumer, k)) {
            continue;
        }

        if (claim_recover(consumer, batch, k, crashed) == -1) {
            return -1;
        }
    }

    return 0;
}


/* how often each entry of the list was delivered, this time included */

static int
claim_deliveries(consumer_t *consumer, unsigned k, const redisReply *list,
    long long *deliveries)
{
    size_t             i;
    const char        *id;
    redisReply        *pending;
    const redisReply  *first;

    for (i = 0; i < list->elements; i++) {
        deliveries[i] = 1;

        first = conn_element(list->element[i], 0);
        if (first == NULL || first->type != REDIS_REPLY_STRING) {
            continue;
        }

        pending = claim_pending(consumer, k, first->str, first->str);
        if (pending == NULL) {
            return -1;
        }

        (void) claim_line(conn_element(pending, 0), &id, &deliveries[i]);
        freeReplyObject(pending);
    }

    return 0;
}


static int
claim_queue(consumer_t *consumer, batch_t *batch, unsigned k)
{
    char              *cursor = consumer->cursors[k];
    args_t            *args;
    long long          deliveries[CLAIM_LIMIT];
    redisReply        *reply;
    const redisReply  *next, *list;

    args = consumer_command(consumer, "XAUTOCLAIM", NULL, k);
    args_adds(args, consumer->name);
    args_number(args, consumer->claim_ms);
    args_adds(args, cursor[0] ? cursor : "0-0");
    args_lit(args, "COUNT");
    args_number(args, CLAIM_LIMIT);

    if (conn_send(consumer->conn, args) == -1) {
        return -1;
    }

    reply = consumer_reply(consumer);
    if (reply == NULL || batch_hold(batch, reply) == -1) {
        return -1;
    }

    next = conn_element(reply, 0);
    list = conn_element(reply, 1);

    if (next == NULL || next->type != REDIS_REPLY_STRING
        || next->len >= STATE_REQUEST_MAX
        || list == NULL || list->type != REDIS_REPLY_ARRAY
        || list->elements > CLAIM_LIMIT)
    {
        log_error("redis answered a claim with something else");
        return -1;
    }

    memcpy(cursor, next->str, next->len + 1);

    if (list->elements == 0) {
        return 0;
    }

    log_notice("claimed %zu requests that were left undone", list->elements);
    consumer->work->stats->claimed += list->elements;

    if (claim_deliveries(consumer, k, list, deliveries) == -1) {
        return -1;
    }

    return consumer_take_list(consumer, batch, k, list, deliveries);
}


int
consumer_claim(consumer_t *consumer, batch_t *batch)
{
    unsigned  k;

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        if (!consumer_reads(consumer, k)) {
            continue;
        }

        if (claim_queue(consumer, batch, k) == -1) {
            return -1;
        }
    }

    return 0;
}


int
consumer_hold(consumer_t *consumer, const batch_t *batch)
{
    size_t        i;
    args_t       *args;
    unsigned      k;
    redisReply   *reply;
    const job_t  *job;

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        if (!consumer_reads(consumer, k)) {
            continue;
        }

        args = consumer_command(consumer, "XCLAIM", NULL, k);
        args_adds(args, consumer->name);
        args_lit(args, "0");

        for (i = 0; i < batch->n; i++) {
            job = &batch->jobs[i];

            if (job->id != NULL && job->queue == k) {
                args_adds(args, job->id);
            }
        }

        if (args->n == 5) {
            continue;
        }

        /* leaves the count of deliveries alone */
        args_lit(args, "JUSTID");

        if (conn_send(consumer->conn, args) == -1) {
            return -1;
        }

        reply = consumer_reply(consumer);
        if (reply == NULL) {
            return -1;
        }

        freeReplyObject(reply);
    }

    return 0;
}
