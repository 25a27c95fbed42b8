
/* Nothing is kept here. */

#include <stdio.h>
#include <string.h>

#include "away.h"
#include "fcall.h"


/* before the next read, if all requests of a batch were put back */
#define AWAY_WAIT_MS  20


static const char  *away_ops[] = { "send", "read", "lease" };


/* acknowledges a request and adds it again, in one step: 0, or -1 */
static int
away_send(store_t *store, const job_t *job)
{
    int      i, n;
    char     key[LL_KEY_MAX], reply[LL_ID_MAX + 32];
    args_t  *args = &store->args;

    args_reset(args);
    fcall_begin(args, "ll1_bury", 2);

    for (i = 0; i < 2; i++) {
        args_copy(args, key, ll_keys_queue(key, job->queue));
    }

    store_set_key(store, key);

    n = snprintf(reply, sizeof(reply), "%.*s.%llu", (int) job->nginx_len,
                 job->nginx, (unsigned long long) job->request);

    args_lit(args, LL_QUEUE_GROUP);
    args_adds(args, job->id);
    args_lit(args, "op");
    args_adds(args, away_ops[job->op]);
    args_lit(args, "p");
    args_adds(args, job->property->id);
    args_lit(args, "u");
    args_adds(args, job->user);
    args_lit(args, "b");
    args_add(args, job->data, job->data_len);
    args_lit(args, "r");
    args_copy(args, reply, (size_t) n);
    args_lit(args, "id");
    args_adds(args, job->origin);

    return store_send(store);
}


work_result_e
away_put_back(work_t *work, job_t *jobs, size_t n)
{
    size_t          i, away;
    redisReply     *reply;
    work_result_e   result;

    away = 0;

    for (i = 0; i < n; i++) {
        if (jobs[i].step != JOB_AWAY || jobs[i].id == NULL) {
            continue;
        }

        if (away_send(&work->store, &jobs[i]) == -1) {
            return WORK_LOST;
        }

        reply = store_recv_by(&work->store, work->store.way);

        /* with the queue itself, it moves to where it will be claimed */

        result = store_is_away(&work->store, work->store.way, reply)
                 ? WORK_DONE : job_reply_result(reply, jobs[i].property);
        freeReplyObject(reply);

        if (result != WORK_DONE) {
            return result;
        }

        jobs[i].id = NULL;
        away++;
    }

    if (away != 0 && away == n) {
        clock_sleep(AWAY_WAIT_MS);
    }

    return WORK_DONE;
}
