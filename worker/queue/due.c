
/*
 * The due lists, in the order of time; the times are those of Redis's clock.
 * Debts are in the order in which they were made or renewed.
 */

#include <string.h>

#include "common/id.h"
#include "debts.h"
#include "due.h"
#include "store_owed.h"


/* adds a tick of a property; NULL if memory is short */
static job_t *
due_tick(work_t *work, batch_t *batch, unsigned k, const char *id, size_t len)
{
    job_t       *job;
    property_t  *property;

    property = property_cache_get(work->properties, id, len);
    job = property != NULL ? batch_add(batch) : NULL;

    if (job != NULL) {
        job->op = JOB_TICK;
        job->property = property;
        job->queue = k;
    }

    return job;
}


/*
 * Adds ticks from [property, time, ...]; *next is at most the time of the first
 * that is not due: 0, or -1 if memory is short.
 */
static int
due_add(work_t *work, batch_t *batch, unsigned k, const redisReply *reply,
    int64_t *next)
{
    job_t             *job;
    size_t             i;
    int64_t            now;
    long long          due;
    const redisReply  *id;

    now = job_now(work);

    for (i = 0; i + 1 < reply->elements; i += 2) {
        id = reply->element[i];

        if (conn_number(reply->element[i + 1], &due) == -1
            || !ll_id_valid(id->str, id->len))
        {
            continue;
        }

        if (due > now) {
            *next = due < *next ? due : *next;
            return 0;
        }

        job = due_tick(work, batch, k, id->str, id->len);
        if (job == NULL) {
            return -1;
        }

        job->due = due;
    }

    return 0;
}


/* receives one of the lists: 1, or 0 if Redis does not answer */
static int
due_take(work_t *work, batch_t *batch, unsigned k, unsigned limit,
    int64_t *next)
{
    int          answered;
    size_t       n;
    redisReply  *reply;

    reply = store_recv(&work->store);
    answered = conn_result(reply) == CONN_OK;

    if (answered) {
        n = batch->n;

        if (due_add(work, batch, k, reply, next) == -1
            || batch->n == n + limit)
        {
            *next = 0;
        }
    }

    freeReplyObject(reply);

    return answered;
}


void
due_read(work_t *work, batch_t *batch, uint64_t queues, unsigned limit,
    int64_t *next)
{
    int       answered;
    int64_t   first;
    unsigned  k, way[LL_QUEUES_MAX];

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        if (!((queues >> k) & 1)) {
            continue;
        }

        if (store_due_list(&work->store, k, limit) == -1) {
            return;
        }

        way[k] = work->store.way;
    }

    answered = 0;
    first = CLOCK_NEVER;

    for (k = 0; k < LL_QUEUES_MAX; k++) {

        /* the map may just have changed */

        if (((queues >> k) & 1) && way[k] == ROUTE_OWN) {
            answered |= due_take(work, batch, k, limit, &first);

        } else if ((queues >> k) & 1) {
            freeReplyObject(store_recv_by(&work->store, way[k]));
        }
    }

    *next = answered || queues == 0 ? first : *next;
}


/* adds a tick that pays a debt, if it can be paid: 0, or -1 */
static int
due_add_debt(work_t *work, batch_t *batch, unsigned k, const char *debt,
    long long score)
{
    int     payable;
    char    id[LL_ID_MAX + 1];
    job_t  *job;

    payable = debts_payable(work, debt, id);

    if (payable != 1) {
        return 0;
    }

    job = due_tick(work, batch, k, id, strlen(id));

    if (job == NULL) {
        return -1;
    }

    job->debt = debt;
    job->score = score;

    return 0;
}


/*
 * Receives the debts of a queue.  Lowers *next to the last score if there may
 * be more.  0, or -1 if memory is short.
 */
static int
due_take_debts(work_t *work, batch_t *batch, unsigned k, unsigned limit,
    long long *next)
{
    int          rc;
    size_t       i, n;
    long long    score;
    redisReply  *reply;

    reply = store_recv(&work->store);

    if (conn_result(reply) != CONN_OK || reply->elements == 0) {
        freeReplyObject(reply);
        return 0;
    }

    n = reply->elements;
    rc = 0;
    score = 0;

    for (i = 0; i + 1 < n && rc == 0; i += 2) {
        if (conn_number(reply->element[i + 1], &score) == 0) {
            rc = due_add_debt(work, batch, k, reply->element[i]->str, score);
        }
    }

    if (n == 2 * (size_t) limit && (*next == 0 || score < *next)) {
        *next = score;
    }

    /* the jobs point into it */

    return batch_add_reply(batch, reply) == 0 ? rc : -1;
}


void
due_read_debts(work_t *work, batch_t *batch, uint64_t queues, unsigned limit,
    long long *after)
{
    int        rc;
    unsigned   k, way[LL_QUEUES_MAX];
    long long  next;

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        if (!((queues >> k) & 1)) {
            continue;
        }

        if (store_owed_list(&work->store, k, *after, limit) == -1) {
            return;
        }

        way[k] = work->store.way;
    }

    rc = 0;
    next = 0;

    for (k = 0; k < LL_QUEUES_MAX; k++) {

        /* the map may just have changed */

        if (((queues >> k) & 1) && way[k] == ROUTE_OWN && rc == 0) {
            rc = due_take_debts(work, batch, k, limit, &next);

        } else if ((queues >> k) & 1) {
            freeReplyObject(store_recv_by(&work->store, way[k]));
        }
    }

    *after = next;

    if (rc == -1) {
        batch->n = 0;
    }
}
