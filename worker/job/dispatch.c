
#include "dispatch.h"
#include "job_publish.h"
#include "lease_job.h"
#include "log.h"
#include "mark_read.h"
#include "message.h"
#include "tick.h"


typedef job_step_e (*dispatch_begin_pt)(work_t *work, job_t *job);
typedef job_step_e (*dispatch_finish_pt)(work_t *work, job_t *job,
    const redisReply *reply);


static const struct {
    dispatch_begin_pt   begin;
    dispatch_finish_pt  finish;
} dispatch_handlers[] = {
    { message_begin, message_finish },
    { read_begin, read_finish },
    { lease_job_begin, lease_job_finish },
    { tick_begin, tick_finish }
};


dispatch_result_e
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
    work->now = work_now(work);

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


dispatch_result_e
dispatch_run(work_t *work, job_t *jobs, size_t n)
{
    dispatch_result_e  result;

    result = dispatch_rounds(work, jobs, n);

    return result == DISPATCH_DONE ? settle_run(work, jobs, n) : result;
}


int
dispatch_accepted(const job_t *job)
{
    return job->step == JOB_SETTLED && !job->property->broken;
}


/* what the job holds, not what it points to */

static void
dispatch_free(job_t *job)
{
    message_free(&job->message);
    lease_job_free(&job->declare);
    lease_commit_free(&job->commit);
    buf_free(&job->answer);
}


void
dispatch_end(work_t *work, job_t *jobs, size_t n)
{
    size_t  i;

    badges_reset(&work->badges);

    for (i = 0; i < n; i++) {

        if (jobs[i].op == JOB_TICK) {
            jobs[i].property->failures = dispatch_accepted(&jobs[i])
                                         ? 0 : jobs[i].property->failures + 1;
        }
    }

    for (i = 0; i < n; i++) {
        jobs[i].property->refresh = 0;
        jobs[i].property->due = 0;
        jobs[i].property->broken = 0;

        dispatch_free(&jobs[i]);
    }

    property_cache_trim(work->properties);
}
