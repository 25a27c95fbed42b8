
#include <string.h>

#include "common/frame.h"
#include "common/id.h"
#include "job_publish.h"
#include "log.h"


/* bytes of verdicts in one command, give or take the last one */
#define SETTLE_VERDICTS  (256 * 1024)

/* after how long what was due is tried again, and how often that doubles */
#define SETTLE_DEFER_MS   INT64_C(1000)
#define SETTLE_DEFER_MAX  6


/* what ll1_threads answered becomes badges: 0, or -1 */

static int
settle_threads(work_t *work, property_t *property, const redisReply *reply)
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
settle_refresh(work_t *work, job_t *jobs, size_t n)
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

        } else if (settle_threads(work, list[j], reply) == -1) {
            list[j]->broken = 1;
        }

        freeReplyObject(reply);
    }

    return worst;
}


static int
settle_untold(const job_t *job)
{
    return job->step == JOB_SETTLED && !job->told && job->nginx != NULL;
}


static void
settle_verdict(buf_t *verdicts, const job_t *job)
{
    char          line[LL_VERDICT_LINE];
    ll_verdict_t  verdict;

    verdict.request = job->request;
    verdict.status = job->status;
    verdict.seq = job->seq;
    verdict.body.data = job->answer.data;
    verdict.body.len = job->answer.len;

    buf_add(verdicts, line, ll_frame_verdict_encode(line, &verdict));
    buf_add(verdicts, job->answer.data, job->answer.len);
}


/*
 * Queues the verdicts that were not told yet, those for one process of nginx
 * in one command: how many commands, or -1.
 */

static long
settle_tell(work_t *work, job_t *jobs, size_t n)
{
    int     rc;
    long    queued;
    size_t  i, j;
    job_t  *job;
    buf_t   verdicts = BUF_INIT;

    rc = 0;
    queued = 0;

    for (i = 0; rc == 0 && i < n; i++) {
        job = &jobs[i];

        if (!settle_untold(job)) {
            continue;
        }

        buf_reset(&verdicts);

        for (j = i; j < n && verdicts.len < SETTLE_VERDICTS; j++) {

            if (settle_untold(&jobs[j]) && jobs[j].nginx_len == job->nginx_len
                && memcmp(jobs[j].nginx, job->nginx, job->nginx_len) == 0)
            {
                settle_verdict(&verdicts, &jobs[j]);
                jobs[j].told = 1;
            }
        }

        rc = store_verdicts(&work->store, job->nginx, job->nginx_len,
                            &verdicts);
        queued++;
    }

    buf_free(&verdicts);

    return rc == 0 ? queued : -1;
}


/* queues the badges that Redis does not have yet: 0, or -1 */

static int
settle_send_badges(work_t *work)
{
    size_t           i;
    badge_t         *badge;
    store_thread_t   thread;

    for (i = 0; i < work->badges.n; i++) {
        badge = work->badges.list[i];

        if (badge->state == BADGE_DONE) {
            continue;
        }

        if (buf_failed(&badge->thread)) {
            badge->property->broken = 1;
            badge->state = BADGE_DONE;
            continue;
        }

        badge_thread(badge, &thread);

        if (store_badge(&work->store, &thread) == -1) {
            return -1;
        }

        badge->state = BADGE_SENT;
    }

    return 0;
}


static dispatch_result_e
settle_recv_badges(work_t *work)
{
    size_t              i;
    badge_t            *badge;
    redisReply         *reply;
    dispatch_result_e   result, worst;

    worst = DISPATCH_DONE;

    for (i = 0; i < work->badges.n; i++) {
        badge = work->badges.list[i];

        if (badge->state != BADGE_SENT) {
            continue;
        }

        reply = store_recv(&work->store);
        result = dispatch_error(reply, badge->property);

        if (result == DISPATCH_LOST) {
            return result;
        }

        if (result != DISPATCH_DONE) {
            badge->state = BADGE_NEW;
            worst = result;

        } else {
            badge->state = BADGE_DONE;
            work->stats->badges++;

            if (reply->type == REDIS_REPLY_ERROR) {
                badge->property->broken = 1;
            }
        }

        freeReplyObject(reply);
    }

    return worst;
}


/* the inboxes, then the verdicts, and with them what else is to be asked */

static dispatch_result_e
settle_publish(work_t *work, job_t *jobs, size_t n)
{
    long                told;
    redisReply         *reply;
    dispatch_result_e   result;

    if (settle_send_badges(work) == -1) {
        return DISPATCH_LOST;
    }

    told = settle_tell(work, jobs, n);
    if (told == -1 || work->also(work->also_data) == -1) {
        return DISPATCH_LOST;
    }

    result = settle_recv_badges(work);

    while (told-- > 0 && result != DISPATCH_LOST) {
        reply = store_recv(&work->store);

        if (reply == NULL) {
            result = DISPATCH_LOST;
        }

        freeReplyObject(reply);
    }

    return result;
}


/* the due times of properties whose leases were looked at */

static dispatch_result_e
settle_due(work_t *work, job_t *jobs, size_t n)
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

            /*
             * Redis refused something, and states are not to be trusted: a
             * tick is due as it was, a declaration is to be repeated
             */

            if (jobs[i].op != JOB_TICK) {
                property->broken = 1;
            }

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


static int
settle_is_due(const job_t *jobs, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (jobs[i].property->due) {
            return 1;
        }
    }

    return 0;
}


/*
 * The due time is all that repeats a tick: it is moved once the inboxes are
 * written, which may wait for the end of a batch otherwise.
 */

static dispatch_result_e
settle_times(work_t *work, job_t *jobs, size_t n)
{
    dispatch_result_e  result;

    if (settle_send_badges(work) == -1) {
        return DISPATCH_LOST;
    }

    result = settle_recv_badges(work);

    return result == DISPATCH_DONE ? settle_due(work, jobs, n) : result;
}


/*
 * What failed of the due list makes room at its head for what comes after it.
 * It is tried again after a while, and ever later.
 */

static dispatch_result_e
settle_defer(work_t *work, job_t *jobs, size_t n)
{
    int64_t             ms;
    size_t              i, j, deferred;
    redisReply         *reply;
    property_t         *property, *list[n + 1];
    dispatch_result_e   result, worst;

    deferred = 0;

    for (i = 0; i < n; i++) {

        if (jobs[i].op != JOB_TICK || dispatch_accepted(&jobs[i])) {
            continue;
        }

        property = jobs[i].property;

        if (property->failures == 0) {
            log_error("can't do what is due for property \"%s\", trying again",
                      property->id);
        }

        ms = SETTLE_DEFER_MS << (property->failures < SETTLE_DEFER_MAX
                                 ? property->failures : SETTLE_DEFER_MAX);

        if (store_defer(&work->store, property->id, jobs[i].due,
                        work_now(work) + ms)
            == -1)
        {
            return DISPATCH_LOST;
        }

        list[deferred++] = property;
    }

    worst = DISPATCH_DONE;

    for (j = 0; j < deferred && worst != DISPATCH_LOST; j++) {
        reply = store_recv(&work->store);
        result = dispatch_error(reply, list[j]);
        freeReplyObject(reply);

        if (result > worst) {
            worst = result;
        }
    }

    return worst;
}


dispatch_result_e
settle_run(work_t *work, job_t *jobs, size_t n)
{
    dispatch_result_e  result;

    result = settle_refresh(work, jobs, n);

    if (result == DISPATCH_DONE && settle_is_due(jobs, n)) {
        result = settle_times(work, jobs, n);
    }

    if (result == DISPATCH_DONE) {
        result = settle_defer(work, jobs, n);
    }

    if (result == DISPATCH_DONE) {
        result = settle_publish(work, jobs, n);
    }

    return result;
}
