
/*
 * Publishes the results of a batch, in this order: inboxes that are to be
 * refreshed are read; due times are set; failed ticks are deferred; inboxes are
 * written and verdicts published.  Requests are acknowledged after that.  The
 * last step is separate, as it can be sent with commands of the next batch.
 *
 * Flags in the jobs, badges and properties tell what is done already.
 */

#include <string.h>

#include "common/frame.h"
#include "common/id.h"
#include "job_publish.h"
#include "log.h"


/* bytes of verdicts in a command, exceeded by the last of them at most */
#define JOB_PUBLISH_VERDICTS  (256 * 1024)

/* threads of a user in a command */
#define JOB_PUBLISH_THREADS   64

/* delay before a failed tick is retried, and how often it doubles */
#define JOB_PUBLISH_DEFER_MS   INT64_C(1000)
#define JOB_PUBLISH_DEFER_MAX  6


/* adds badges from the reply of ll1_badges: 0, or -1 */
static int
job_publish_add_badges(work_t *work, property_t *property,
    const redisReply *reply)
{
    size_t             i;
    long long          ver;
    const redisReply  *user;

    if (conn_number(conn_element(reply, 0), &ver) == -1) {
        return -1;
    }

    for (i = 1; i + 3 < reply->elements; i += 4) {
        user = conn_element(reply, i);

        if (user->type != REDIS_REPLY_STRING
            || !ll_id_valid(user->str, user->len)
            || badge_add_reply(&work->badges, property, user->str, ver, reply,
                               i + 1)
               == -1)
        {
            return -1;
        }
    }

    return 0;
}


/* reads all inbox threads of the properties that need it */
static work_result_e
job_publish_refresh(work_t *work, job_t *jobs, size_t n)
{
    size_t         i, j, asked;
    redisReply    *reply;
    property_t    *property, *list[n + 1];
    work_result_e  result, worst;

    asked = 0;

    for (i = 0; i < n; i++) {
        property = jobs[i].property;

        if (property->refresh) {
            property->refresh = 0;
            list[asked++] = property;

            if (store_badges(&work->store, property) == -1) {
                return WORK_LOST;
            }
        }
    }

    worst = WORK_DONE;

    for (j = 0; j < asked; j++) {
        reply = store_recv(&work->store);
        result = job_reply_result(reply, list[j]);

        if (result == WORK_LOST) {
            return result;
        }

        if (result != WORK_DONE) {
            list[j]->refresh = 1;
            worst = result;

        } else if (job_publish_add_badges(work, list[j], reply) == -1) {
            list[j]->broken = 1;
        }

        freeReplyObject(reply);
    }

    return worst;
}


static int
job_publish_is_pending(const job_t *job)
{
    return job->step == JOB_DONE && !job->published && job->nginx != NULL;
}


static void
job_publish_add_verdict(buf_t *verdicts, const job_t *job)
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
 * Queues the verdicts that are not published yet, those for the same process of
 * nginx in one command.  Returns the number of commands, or -1.
 */
static long
job_publish_verdicts(work_t *work, job_t *jobs, size_t n)
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

        if (!job_publish_is_pending(job)) {
            continue;
        }

        buf_reset(&verdicts);

        for (j = i; j < n && verdicts.len < JOB_PUBLISH_VERDICTS; j++) {

            if (job_publish_is_pending(&jobs[j])
                && jobs[j].nginx_len == job->nginx_len
                && memcmp(jobs[j].nginx, job->nginx, job->nginx_len) == 0)
            {
                job_publish_add_verdict(&verdicts, &jobs[j]);
                jobs[j].published = 1;
            }
        }

        rc = store_verdicts(&work->store, job->nginx, job->nginx_len,
                            &verdicts);
        queued++;
    }

    buf_free(&verdicts);

    return rc == 0 ? queued : -1;
}


/*
 * Queues the badges that are not written yet, those of a user in one command:
 * 0, or -1.
 */
static int
job_publish_send_badges(work_t *work)
{
    size_t           i, n;
    badge_t         *badge;
    store_thread_t   threads[JOB_PUBLISH_THREADS];

    badge_sort(&work->badges);

    n = 0;

    for (i = 0; i < work->badges.n; i++) {
        badge = work->badges.list[i];

        if (badge->state == BADGE_DONE) {
            continue;
        }

        if (n > 0 && (n == JOB_PUBLISH_THREADS
                      || strcmp(threads[0].user, badge->user) != 0))
        {
            if (store_badge(&work->store, threads, n) == -1) {
                return -1;
            }

            n = 0;
        }

        badge->state = n == 0 ? BADGE_FIRST : BADGE_SENT;
        badge_thread(badge, &threads[n++]);
    }

    return n > 0 ? store_badge(&work->store, threads, n) : 0;
}


static work_result_e
job_publish_recv_badges(work_t *work)
{
    int            failed;
    size_t         i;
    badge_t       *badge;
    redisReply    *reply;
    work_result_e  result, worst;

    failed = 0;
    result = WORK_DONE;
    worst = WORK_DONE;

    for (i = 0; i < work->badges.n; i++) {
        badge = work->badges.list[i];

        if (badge->state == BADGE_FIRST) {
            reply = store_recv(&work->store);
            result = job_reply_result(reply, badge->property);

            if (result == WORK_LOST) {
                return result;
            }

            failed = reply->type == REDIS_REPLY_ERROR;
            freeReplyObject(reply);

        } else if (badge->state != BADGE_SENT) {
            continue;
        }

        if (result != WORK_DONE) {
            badge->state = BADGE_NEW;
            worst = result;

        } else {
            badge->state = BADGE_DONE;
            badge->property->broken |= failed;
            work->stats->badges++;
        }
    }

    return worst;
}


long
job_publish_send(work_t *work, job_t *jobs, size_t n)
{
    if (job_publish_send_badges(work) == -1) {
        return -1;
    }

    return job_publish_verdicts(work, jobs, n);
}


work_result_e
job_publish_recv(work_t *work, long verdicts)
{
    redisReply    *reply;
    work_result_e  result;

    result = job_publish_recv_badges(work);

    while (verdicts-- > 0 && result != WORK_LOST) {
        reply = store_recv(&work->store);

        if (reply == NULL) {
            result = WORK_LOST;
        }

        freeReplyObject(reply);
    }

    return result;
}


/* sets the due times of properties whose leases were checked */
static work_result_e
job_publish_due(work_t *work, job_t *jobs, size_t n)
{
    size_t         i, j, set;
    redisReply    *reply;
    property_t    *property, *list[n + 1];
    work_result_e  result, worst;

    set = 0;

    for (i = 0; i < n; i++) {
        property = jobs[i].property;

        if (!property->due || property->broken) {
            continue;
        }

        property->due = 0;

        if (!property->known) {

            /*
             * The state was dropped after Redis refused a command.  A tick
             * stays due; a declaration is not acknowledged, so it is repeated.
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
            return WORK_LOST;
        }
    }

    worst = WORK_DONE;

    for (j = 0; j < set; j++) {
        reply = store_recv(&work->store);
        result = job_reply_result(reply, list[j]);
        freeReplyObject(reply);

        if (result == WORK_LOST) {
            return result;
        }

        if (result != WORK_DONE) {
            list[j]->due = 1;
            worst = result;
        }
    }

    return worst;
}


static int
job_publish_is_due(const job_t *jobs, size_t n)
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
 * A tick is repeated only because of its due time.  Therefore inboxes are
 * written before the due time is moved.
 */
static work_result_e
job_publish_due_times(work_t *work, job_t *jobs, size_t n)
{
    work_result_e  result;

    if (job_publish_send_badges(work) == -1) {
        return WORK_LOST;
    }

    result = job_publish_recv_badges(work);

    return result == WORK_DONE ? job_publish_due(work, jobs, n) : result;
}


/*
 * Moves failed ticks to a later time, so that they do not block the head of the
 * due list.  The delay doubles with each failure.
 */
static work_result_e
job_publish_defer(work_t *work, job_t *jobs, size_t n)
{
    int64_t        ms;
    size_t         i, j, deferred;
    redisReply    *reply;
    property_t    *property, *list[n + 1];
    work_result_e  result, worst;

    deferred = 0;

    for (i = 0; i < n; i++) {

        if (jobs[i].op != JOB_TICK || job_accepted(&jobs[i])) {
            continue;
        }

        property = jobs[i].property;

        if (property->failures == 0) {
            log_error("can't open or close leases of property \"%s\", retrying",
                      property->id);
        }

        ms = JOB_PUBLISH_DEFER_MS
             << (property->failures < JOB_PUBLISH_DEFER_MAX
                 ? property->failures : JOB_PUBLISH_DEFER_MAX);

        if (store_defer(&work->store, property->id, jobs[i].due,
                        job_now(work) + ms)
            == -1)
        {
            return WORK_LOST;
        }

        list[deferred++] = property;
    }

    worst = WORK_DONE;

    for (j = 0; j < deferred && worst != WORK_LOST; j++) {
        reply = store_recv(&work->store);
        result = job_reply_result(reply, list[j]);
        freeReplyObject(reply);

        if (result > worst) {
            worst = result;
        }
    }

    return worst;
}


work_result_e
job_publish_prepare(work_t *work, job_t *jobs, size_t n)
{
    work_result_e  result;

    result = job_publish_refresh(work, jobs, n);

    if (result == WORK_DONE && job_publish_is_due(jobs, n)) {
        result = job_publish_due_times(work, jobs, n);
    }

    return result == WORK_DONE ? job_publish_defer(work, jobs, n) : result;
}
