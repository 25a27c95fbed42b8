
/* The due list, in the order of time; the times are those of Redis's clock. */

#include "common/id.h"
#include "due.h"


/* adds ticks from [property, time, ...]: 0, or -1 if memory is short */
static int
due_add(work_t *work, batch_t *batch, const redisReply *reply, int64_t *next)
{
    job_t             *job;
    size_t             i;
    int64_t            now;
    long long          due;
    property_t        *property;
    const redisReply  *id;

    now = job_now(work);
    *next = CLOCK_NEVER;

    for (i = 0; i + 1 < reply->elements; i += 2) {
        id = reply->element[i];

        if (conn_number(reply->element[i + 1], &due) == -1
            || !ll_id_valid(id->str, id->len))
        {
            continue;
        }

        if (due > now) {
            *next = due;
            break;
        }

        property = property_cache_get(work->properties, id->str, id->len);
        if (property == NULL) {
            return -1;
        }

        job = batch_add(batch);
        if (job == NULL) {
            return -1;
        }

        job->op = JOB_TICK;
        job->property = property;
        job->due = due;
    }

    return 0;
}


void
due_read(work_t *work, batch_t *batch, unsigned limit, int64_t *next)
{
    store_t     *store = &work->store;
    redisReply  *reply;

    reply = NULL;

    if (store_due_list(store, limit) == 0) {
        reply = store_recv(store);
    }

    if (conn_result(reply) == CONN_OK) {
        (void) due_add(work, batch, reply, next);
    }

    freeReplyObject(reply);
}
