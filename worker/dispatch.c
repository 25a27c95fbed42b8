
#include <string.h>

#include "common/id.h"
#include "declare.h"
#include "dispatch.h"
#include "log.h"
#include "message.h"
#include "read.h"


/* a property whose tick failed stays due, but is left alone for so long */
#define DISPATCH_REST_MS  5000


typedef job_step_e (*dispatch_begin_pt)(work_t *work, job_t *job);
typedef job_step_e (*dispatch_finish_pt)(work_t *work, job_t *job,
    const redisReply *reply);


static const struct {
    dispatch_begin_pt   begin;
    dispatch_finish_pt  finish;
} dispatch_handlers[] = {
    { message_begin, message_finish },
    { read_begin, read_finish },
    { declare_begin, declare_finish },
    { declare_begin, declare_finish }
};


/* an error reply to something about that property; which is to say, why */

static dispatch_result_e
dispatch_error(const redisReply *reply, const property_t *property)
{
    switch (conn_result(reply)) {

    case CONN_OK:
        return DISPATCH_DONE;

    case CONN_LOST:
        return DISPATCH_LOST;

    case CONN_REFUSED:
        return DISPATCH_REFUSED;

    case CONN_NO_LIBRARY:
        return DISPATCH_NO_LIBRARY;

    default:
        log_error("redis failed a command for property \"%s\": \"%.200s\"",
                  property->id, reply->str);
        return DISPATCH_DONE;
    }
}


static void
dispatch_step(work_t *work, job_t *job, job_step_e step)
{
    job->step = step;

    if (step == JOB_KEPT) {
        work->stats->failed++;

    } else if (step == JOB_SETTLED && job->status >= 400) {
        work->stats->rejected++;
    }
}


/* lets each job begin its step: how many commands that queued, or -1 */

static long
dispatch_begin(work_t *work, job_t *jobs, size_t n, size_t *sent)
{
    long         queued;
    size_t       i;
    job_t       *job;
    job_step_e   step;

    work->round++;
    work->now = clock_now();

    for (i = 0; i < n; i++) {
        jobs[i].property->blocked = 0;
    }

    queued = 0;

    for (i = 0; i < n; i++) {
        job = &jobs[i];

        if (job->step != JOB_SENT || job->property->blocked) {
            continue;
        }

        step = dispatch_handlers[job->op].begin(work, job);

        if (step == JOB_LOST) {
            return -1;
        }

        if (step == JOB_SENT) {
            sent[queued++] = i;

        } else {
            dispatch_step(work, job, step);
        }
    }

    return queued;
}


static dispatch_result_e
dispatch_finish(work_t *work, job_t *job)
{
    redisReply         *reply;
    dispatch_result_e   result;

    reply = store_recv(&work->store);

    result = dispatch_error(reply, job->property);

    if (result != DISPATCH_DONE) {
        freeReplyObject(reply);
        return result;
    }

    dispatch_step(work, job,
                  reply->type == REDIS_REPLY_ERROR
                  ? JOB_KEPT
                  : dispatch_handlers[job->op].finish(work, job, reply));

    freeReplyObject(reply);

    return DISPATCH_DONE;
}


/* rounds, until each job is settled or kept */

static dispatch_result_e
dispatch_rounds(work_t *work, job_t *jobs, size_t n)
{
    int                 unsettled;
    long                i, queued;
    size_t              j, sent[n + 1];
    dispatch_result_e   result, worst;

    do {
        queued = dispatch_begin(work, jobs, n, sent);
        if (queued == -1) {
            return DISPATCH_LOST;
        }

        worst = DISPATCH_DONE;

        for (i = 0; i < queued; i++) {
            result = dispatch_finish(work, &jobs[sent[i]]);

            if (result > worst) {
                worst = result;
            }

            if (result == DISPATCH_LOST) {
                return result;
            }
        }

        if (worst != DISPATCH_DONE) {
            return worst;
        }

        unsettled = 0;

        for (j = 0; j < n; j++) {
            unsettled |= (jobs[j].step == JOB_SENT);
        }

    } while (unsettled);

    return DISPATCH_DONE;
}


/* what ll1_threads answered becomes badges: 0, or -1 */

static int
dispatch_threads(work_t *work, property_t *property, const redisReply *reply)
{
    int                newer;
    size_t             i;
    badge_t           *badge;
    long long          ver, unread, at;
    const redisReply  *user, *thread;

    if (conn_number(conn_element(reply, 0), &ver) == -1) {
        return -1;
    }

    for (i = 1; i + 3 < reply->elements; i += 4) {
        user = conn_element(reply, i);
        thread = conn_element(reply, i + 3);

        if (user->type != REDIS_REPLY_STRING
            || !ll_id_valid(user->str, user->len)
            || thread->type != REDIS_REPLY_STRING
            || conn_number(conn_element(reply, i + 1), &unread) == -1
            || conn_number(conn_element(reply, i + 2), &at) == -1)
        {
            return -1;
        }

        badge = badge_add(&work->badges, property, user->str, ver, &newer);
        if (badge == NULL) {
            if (newer) {
                continue;
            }
            return -1;
        }

        badge->unread = unread;
        badge->at = at;
        buf_add(&badge->thread, thread->str, thread->len);
    }

    return 0;
}


/* asks for all inbox threads of the properties where that is needed */

static dispatch_result_e
dispatch_refresh(work_t *work, job_t *jobs, size_t n)
{
    size_t              i, j, asked;
    redisReply         *reply;
    property_t         *property, *list[n + 1];
    dispatch_result_e   result, worst;

    asked = 0;

    for (i = 0; i < n; i++) {
        property = jobs[i].property;

        if (property->refresh) {
            property->refresh = 0;
            list[asked++] = property;

            if (store_threads(&work->store, property) == -1) {
                return DISPATCH_LOST;
            }
        }
    }

    worst = DISPATCH_DONE;

    for (j = 0; j < asked; j++) {
        reply = store_recv(&work->store);
        result = dispatch_error(reply, list[j]);

        if (result == DISPATCH_LOST) {
            return result;
        }

        if (result != DISPATCH_DONE) {
            list[j]->refresh = 1;
            worst = result;

        } else if (dispatch_threads(work, list[j], reply) == -1) {
            list[j]->broken = 1;
        }

        freeReplyObject(reply);
    }

    return worst;
}


/* queues the verdicts that were not told yet: how many, or -1 */

static long
dispatch_tell(work_t *work, job_t *jobs, size_t n)
{
    long    queued;
    size_t  i;
    job_t  *job;

    queued = 0;

    for (i = 0; i < n; i++) {
        job = &jobs[i];

        if (job->step != JOB_SETTLED || job->told || job->nginx == NULL) {
            continue;
        }

        if (store_verdict(&work->store, job->nginx, job->nginx_len,
                          job->request, job->status, job->seq, &job->answer)
            == -1)
        {
            return -1;
        }

        job->told = 1;
        queued++;
    }

    return queued;
}


/* the inboxes, then the verdicts */

static dispatch_result_e
dispatch_publish(work_t *work, job_t *jobs, size_t n)
{
    long                told;
    size_t              i, first;
    badge_t            *badge;
    redisReply         *reply;
    store_thread_t      thread;
    dispatch_result_e   result, worst;

    first = work->badges.n;

    for (i = 0; i < work->badges.n; i++) {
        badge = work->badges.list[i];

        if (badge->done) {
            continue;
        }

        if (buf_failed(&badge->thread)) {
            badge->property->broken = 1;
            badge->done = 1;
            continue;
        }

        badge_thread(badge, &thread);

        if (store_badge(&work->store, &thread) == -1) {
            return DISPATCH_LOST;
        }

        badge->done = 2;
        first = i < first ? i : first;
    }

    told = dispatch_tell(work, jobs, n);
    if (told == -1) {
        return DISPATCH_LOST;
    }

    worst = DISPATCH_DONE;

    for (i = first; i < work->badges.n; i++) {
        badge = work->badges.list[i];

        if (badge->done != 2) {
            continue;
        }

        reply = store_recv(&work->store);
        result = dispatch_error(reply, badge->property);

        if (result == DISPATCH_LOST) {
            return result;
        }

        badge->done = (result == DISPATCH_DONE);
        worst = result > worst ? result : worst;

        if (reply->type == REDIS_REPLY_ERROR && badge->done) {
            badge->property->broken = 1;
        }

        work->stats->badges += badge->done;
        freeReplyObject(reply);
    }

    while (told-- > 0) {
        reply = store_recv(&work->store);

        if (reply == NULL) {
            return DISPATCH_LOST;
        }

        freeReplyObject(reply);
    }

    return worst;
}


/* the due times of properties whose leases were looked at */

static dispatch_result_e
dispatch_due(work_t *work, job_t *jobs, size_t n)
{
    size_t              i, j, set;
    redisReply         *reply;
    property_t         *property, *list[n + 1];
    dispatch_result_e   result, worst;

    set = 0;

    for (i = 0; i < n; i++) {
        property = jobs[i].property;

        if (!property->due || property->broken) {
            continue;
        }

        property->due = 0;

        if (!property->known) {
            /* the next tick will know */
            continue;
        }

        list[set++] = property;

        if (store_due(&work->store, property->id, property->state.rev,
                      state_due(&property->state))
            == -1)
        {
            return DISPATCH_LOST;
        }
    }

    worst = DISPATCH_DONE;

    for (j = 0; j < set; j++) {
        reply = store_recv(&work->store);
        result = dispatch_error(reply, list[j]);
        freeReplyObject(reply);

        if (result == DISPATCH_LOST) {
            return result;
        }

        if (result != DISPATCH_DONE) {
            list[j]->due = 1;
            worst = result;
        }
    }

    return worst;
}


dispatch_result_e
dispatch_run(work_t *work, job_t *jobs, size_t n)
{
    dispatch_result_e  result;

    result = dispatch_rounds(work, jobs, n);

    if (result == DISPATCH_DONE) {
        result = dispatch_refresh(work, jobs, n);
    }

    if (result == DISPATCH_DONE) {
        result = dispatch_publish(work, jobs, n);
    }

    if (result == DISPATCH_DONE) {
        result = dispatch_due(work, jobs, n);
    }

    return result;
}


int
dispatch_accepted(const job_t *job)
{
    return job->step == JOB_SETTLED && !job->property->broken;
}


void
dispatch_end(work_t *work, job_t *jobs, size_t n)
{
    size_t  i;

    badges_reset(&work->badges);

    for (i = 0; i < n; i++) {

        if (jobs[i].op == JOB_TICK && !dispatch_accepted(&jobs[i])) {
            jobs[i].property->rest = clock_monotonic() + DISPATCH_REST_MS;
        }
    }

    for (i = 0; i < n; i++) {
        jobs[i].property->refresh = 0;
        jobs[i].property->due = 0;
        jobs[i].property->broken = 0;

        job_free(&jobs[i]);
    }

    properties_trim(work->properties);
}
