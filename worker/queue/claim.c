
/*
 * Requests that were delivered before, to this worker or to one that died.
 *
 * Redis counts deliveries.  A request that is delivered too often becomes a
 * dead letter, as it may be the request that crashes workers.  A lost
 * connection is not the request's fault, so a worker that takes back its own
 * requests after that does not raise the count.
 *
 * The replies are owned by the batch, whose jobs point into them.
 */

#include <stdlib.h>
#include <string.h>

#include "claim.h"
#include "common/keys.h"
#include "log.h"


/* at most so many requests at a time: of other consumers, and of this one */
#define CLAIM_LIMIT  128
#define CLAIM_OWN    1024


/* XPENDING of this consumer, from first to last: the reply, or NULL */
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


/* reads a line of XPENDING, [id, consumer, idle, deliveries]: 0, or -1 */
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
 * Claims a request of this consumer and sets its number of deliveries.
 * Returns a list of one entry, or of none if it was deleted; NULL on errors.
 * The batch owns the list.
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

    if (reply == NULL || batch_add_reply(batch, reply) == -1) {
        return NULL;
    }

    if (reply->elements > 1) {
        log_error("unexpected reply to XCLAIM");
        return NULL;
    }

    return reply;
}


static int
claim_recover_queue(consumer_t *consumer, batch_t *batch, unsigned k,
    int crashed)
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
claim_recover(consumer_t *consumer, batch_t *batch, int crashed)
{
    unsigned  k;

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        if (!consumer_reads(consumer, k)) {
            continue;
        }

        if (claim_recover_queue(consumer, batch, k, crashed) == -1) {
            return -1;
        }
    }

    return 0;
}


/* gets the number of deliveries of each entry, this one included: 0, or -1 */
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
claim_stale_queue(consumer_t *consumer, batch_t *batch, unsigned k)
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
    if (reply == NULL || batch_add_reply(batch, reply) == -1) {
        return -1;
    }

    next = conn_element(reply, 0);
    list = conn_element(reply, 1);

    if (next == NULL || next->type != REDIS_REPLY_STRING
        || next->len >= STATE_REQUEST_MAX
        || list == NULL || list->type != REDIS_REPLY_ARRAY
        || list->elements > CLAIM_LIMIT)
    {
        log_error("unexpected reply to XAUTOCLAIM");
        return -1;
    }

    memcpy(cursor, next->str, next->len + 1);

    if (list->elements == 0) {
        return 0;
    }

    log_notice("claimed %zu pending requests", list->elements);
    consumer->work->stats->claimed += list->elements;

    if (claim_deliveries(consumer, k, list, deliveries) == -1) {
        return -1;
    }

    return consumer_take_list(consumer, batch, k, list, deliveries);
}


int
claim_stale(consumer_t *consumer, batch_t *batch)
{
    unsigned  k;

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        if (!consumer_reads(consumer, k)) {
            continue;
        }

        if (claim_stale_queue(consumer, batch, k) == -1) {
            return -1;
        }
    }

    return 0;
}


int
claim_renew(consumer_t *consumer, const batch_t *batch)
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

        /* JUSTID does not change the number of deliveries */
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
