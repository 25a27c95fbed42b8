
/*
 * Publishes the results of a batch, in this order: inboxes that are to be
 * refreshed are read; due times are set; failed ticks are deferred; inboxes are
 * written and verdicts published.  Requests are acknowledged after that.  The
 * last step is separate, as it can be sent with commands of the next batch.
 *
 * Flags in the jobs, badges and properties tell what is done already.
 */

#include <string.h>

#include "away.h"
#include "common/frame.h"
#include "common/id.h"
#include "debts.h"
#include "inboxes.h"
#include "job_publish.h"
#include "log.h"


/* bytes of verdicts in a command, exceeded by the last of them at most */
#define JOB_PUBLISH_VERDICTS  (256 * 1024)

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


/*
 * The result of a reply about the inboxes or the due time of a property.  In a
 * cluster, it is done if the primary is away, and is owed.
 */
static work_result_e
job_publish_result(work_t *work, const property_t *property, unsigned way,
    const redisReply *reply)
{
    if (store_is_away(&work->store, way, reply)) {
        debts_add(work, property, NULL);
        return WORK_DONE;
    }

    return job_reply_result(reply, property);
}


/* reads all inbox threads of the properties that need it */
static work_result_e
job_publish_refresh(work_t *work, job_t *jobs, size_t n)
{
    size_t         i, j, asked;
    unsigned       ways[n + 1];
    redisReply    *reply;
    property_t    *property, *list[n + 1];
    work_result_e  result, worst;

    asked = 0;

    for (i = 0; i < n; i++) {
        property = jobs[i].property;

        if (property->refresh) {
            property->refresh = 0;
            list[asked] = property;

            if (store_badges(&work->store, property) == -1) {
                return WORK_LOST;
            }

            ways[asked++] = work->store.way;
        }
    }

    worst = WORK_DONE;

    for (j = 0; j < asked; j++) {
        reply = store_recv_by(&work->store, ways[j]);
        result = job_publish_result(work, list[j], ways[j], reply);

        if (result == WORK_LOST) {
            return result;
        }

        if (reply == NULL) {
            continue;
        }

        if (result != WORK_DONE) {
            list[j]->refresh = 1;
            worst = result;

        } else if (!store_is_away(&work->store, ways[j], reply)
                   && job_publish_add_badges(work, list[j], reply) == -1)
        {
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
 * nginx in one command.  Returns the number of commands, or -1.  In a cluster,
 * those that are not for the own primary are published at once; they are rare.
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

        if (work->store.way == ROUTE_OWN) {
            queued++;

        } else {
            freeReplyObject(store_recv_by(&work->store, work->store.way));
        }
    }

    buf_free(&verdicts);

    return rc == 0 ? queued : -1;
}


long
job_publish_send(work_t *work, job_t *jobs, size_t n)
{
    if (inboxes_send(work, INBOXES_ALL) == -1) {
        return -1;
    }

    return job_publish_verdicts(work, jobs, n);
}


work_result_e
job_publish_recv(work_t *work, long verdicts)
{
    redisReply    *reply;
    work_result_e  result;

    result = inboxes_recv(work);

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
    int64_t        seen;
    unsigned       ways[n + 1];
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

        list[set] = property;

        /* a tick reads the property after the list */

        seen = jobs[i].op == JOB_TICK && jobs[i].debt == NULL ? jobs[i].due
                                                              : CLOCK_NEVER;

        if (store_due(&work->store, property->id, property->state.rev,
                      state_due(&property->state), seen)
            == -1)
        {
            return WORK_LOST;
        }

        ways[set++] = work->store.way;
    }

    worst = WORK_DONE;

    for (j = 0; j < set; j++) {
        reply = store_recv_by(&work->store, ways[j]);
        result = job_publish_result(work, list[j], ways[j], reply);
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


static int
job_publish_pays(const job_t *jobs, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (jobs[i].debt != NULL) {
            return 1;
        }
    }

    return 0;
}


/* writes inboxes now, or what of them is owed */
static work_result_e
job_publish_inboxes(work_t *work, inboxes_which_e which)
{
    work_result_e  result;

    if (inboxes_send(work, which) == -1) {
        return WORK_LOST;
    }

    result = inboxes_recv(work);

    return result == WORK_DONE ? debts_store(work) : result;
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
    unsigned       ways[n + 1];
    redisReply    *reply;
    property_t    *property, *list[n + 1];
    work_result_e  result, worst;

    deferred = 0;

    for (i = 0; i < n; i++) {

        if (jobs[i].op != JOB_TICK || jobs[i].debt != NULL
            || job_accepted(&jobs[i]))
        {
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

        if (store_defer(&work->store, jobs[i].queue, property->id, jobs[i].due,
                        job_now(work) + ms)
            == -1)
        {
            return WORK_LOST;
        }

        ways[deferred] = work->store.way;
        list[deferred++] = property;
    }

    worst = WORK_DONE;

    for (j = 0; j < deferred && worst != WORK_LOST; j++) {
        reply = store_recv_by(&work->store, ways[j]);
        result = store_is_away(&work->store, ways[j], reply)
                 ? WORK_DONE : job_reply_result(reply, list[j]);
        freeReplyObject(reply);

        if (result > worst) {
            worst = result;
        }
    }

    return worst;
}


static work_result_e
job_publish_finish(work_t *work, job_t *jobs, size_t n)
{
    work_result_e  result;

    result = away_put_back(work, jobs, n);

    if (result == WORK_DONE) {
        result = debts_store(work);
    }

    return result == WORK_DONE ? debts_settle(work, jobs, n) : result;
}


/*
 * A tick is repeated only because of its due time or a debt, so inboxes are
 * written before that is changed.  In a cluster, those on other primaries are
 * always written here, since the replies do not come in the order of the own
 * ones.
 */
work_result_e
job_publish_prepare(work_t *work, job_t *jobs, size_t n)
{
    int            due;
    work_result_e  result;

    result = job_publish_refresh(work, jobs, n);
    due = job_publish_is_due(jobs, n);

    if (result == WORK_DONE) {
        if (due || job_publish_pays(jobs, n)) {
            result = job_publish_inboxes(work, INBOXES_ALL);

        } else if (work->store.route != NULL) {
            result = job_publish_inboxes(work, INBOXES_OTHERS);
        }
    }

    if (result == WORK_DONE && due) {
        result = job_publish_due(work, jobs, n);
    }

    if (result == WORK_DONE) {
        result = job_publish_defer(work, jobs, n);
    }

    return result == WORK_DONE && work->store.route != NULL
           ? job_publish_finish(work, jobs, n) : result;
}
