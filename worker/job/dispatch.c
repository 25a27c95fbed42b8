
/*
 * Runs the jobs of a batch in rounds (job.h).
 *
 * Properties are shared by the jobs of a batch.  A step that reads or commits
 * the state of a property sets its "blocked", so that the later jobs of that
 * property wait for the next round.
 */

#include "dispatch.h"
#include "job_publish.h"
#include "lease_job.h"
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
    { mark_read_begin, mark_read_finish },
    { lease_job_begin, lease_job_finish },
    { tick_begin, tick_finish }
};


static void
dispatch_step(work_t *work, job_t *job, job_step_e step)
{
    job->step = step;

    if (step == JOB_DEFERRED) {
        work->stats->failed++;

    } else if (step == JOB_DONE && job->status >= 400) {
        work->stats->rejected++;
    }
}


/* likewise the next step of each job in later rounds */
int
dispatch_start(work_t *work, job_t *jobs, size_t n)
{
    size_t       i;
    job_t       *job;
    job_step_e   step;

    work->round++;
    work->now = job_now(work);

    for (i = 0; i < n; i++) {
        jobs[i].property->blocked = 0;
    }

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
            job->waiting = 1;
            job->way = work->store.way;

        } else {
            dispatch_step(work, job, step);
        }
    }

    return 0;
}


static work_result_e
dispatch_finish(work_t *work, job_t *job)
{
    redisReply    *reply;
    work_result_e  result;

    reply = store_recv_by(&work->store, job->way);

    if (store_is_away(&work->store, job->way, reply)) {
        property_forget(job->property);
        dispatch_step(work, job, JOB_AWAY);
        freeReplyObject(reply);
        return WORK_DONE;
    }

    result = job_reply_result(reply, job->property);

    if (result != WORK_DONE) {
        freeReplyObject(reply);
        return result;
    }

    if (reply->type == REDIS_REPLY_ERROR && job->id) {
        failure_note(&work->failures, job->id, reply->str);
    }

    dispatch_step(work, job,
                  reply->type == REDIS_REPLY_ERROR
                  ? JOB_DEFERRED
                  : dispatch_handlers[job->op].finish(work, job, reply));

    freeReplyObject(reply);

    return WORK_DONE;
}


work_result_e
dispatch_recv(work_t *work, job_t *jobs, size_t n)
{
    size_t         i;
    work_result_e  result, worst;

    worst = WORK_DONE;
    store_flush(&work->store);

    for (i = 0; i < n; i++) {
        if (!jobs[i].waiting) {
            continue;
        }

        jobs[i].waiting = 0;
        result = dispatch_finish(work, &jobs[i]);

        if (result > worst) {
            worst = result;
        }

        if (result == WORK_LOST) {
            break;
        }
    }

    return worst;
}


work_result_e
dispatch_drop(work_t *work, job_t *jobs, size_t n)
{
    size_t       i;
    redisReply  *reply;

    for (i = 0; i < n; i++) {
        if (!jobs[i].waiting) {
            continue;
        }

        jobs[i].waiting = 0;
        reply = store_recv_by(&work->store, jobs[i].way);

        if (reply == NULL && jobs[i].way == ROUTE_OWN) {
            return WORK_LOST;
        }

        freeReplyObject(reply);
    }

    return WORK_DONE;
}


static int
dispatch_unfinished(const job_t *jobs, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (jobs[i].step == JOB_SENT) {
            return 1;
        }
    }

    return 0;
}


work_result_e
dispatch_run(work_t *work, job_t *jobs, size_t n)
{
    work_result_e  result;

    while (dispatch_unfinished(jobs, n)) {

        if (dispatch_start(work, jobs, n) == -1) {
            return WORK_LOST;
        }

        result = dispatch_recv(work, jobs, n);

        if (result != WORK_DONE) {
            return result;
        }
    }

    return job_publish_prepare(work, jobs, n);
}


/* frees what the job owns, but not what it points to */
static void
dispatch_free(job_t *job)
{
    message_free(&job->message);
    lease_job_free(&job->lease);
    lease_commit_free(&job->commit);
    buf_free(&job->answer);
}


void
dispatch_end(work_t *work, job_t *jobs, size_t n)
{
    size_t  i;

    badge_list_reset(&work->badges);

    for (i = 0; i < n; i++) {

        if (jobs[i].op == JOB_TICK) {
            jobs[i].property->failures = job_accepted(&jobs[i])
                                         ? 0 : jobs[i].property->failures + 1;
        }
    }

    for (i = 0; i < n; i++) {
        jobs[i].property->refresh = 0;
        jobs[i].property->due = 0;
        jobs[i].property->broken = 0;

        dispatch_free(&jobs[i]);
    }
}
