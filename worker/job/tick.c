
/*
 * Ticks.  The plan and its steps are those of lease_commit.c; the job owns
 * them.
 */

#include "tick.h"


static job_step_e
tick_step(work_t *work, job_t *job, commit_step_e step)
{
    switch (step) {

    case COMMIT_SENT:
        return JOB_SENT;

    case COMMIT_DONE:
        work->stats->ticks++;
        return job_done_tick(job);

    case COMMIT_DEFERRED:
        return JOB_DEFERRED;

    default:
        return JOB_LOST;
    }
}


job_step_e
tick_begin(work_t *work, job_t *job)
{
    return tick_step(work, job, lease_commit_begin(work, job, NULL));
}


job_step_e
tick_finish(work_t *work, job_t *job, const redisReply *reply)
{
    return tick_step(work, job, lease_commit_finish(work, job, reply));
}


int
tick_is_due(const work_t *work, const job_t *job)
{
    const property_t  *property = job->property;

    return job->ticking
           || (property->known && state_due(&property->state) <= work->now);
}


static commit_step_e
tick_before_step(work_t *work, job_t *job, commit_step_e step)
{
    job->ticking = step == COMMIT_SENT;

    if (step == COMMIT_DONE) {
        work->stats->ticks++;
        lease_commit_free(&job->commit);
    }

    return step;
}


commit_step_e
tick_before_begin(work_t *work, job_t *job)
{
    return tick_before_step(work, job, lease_commit_begin(work, job, NULL));
}


commit_step_e
tick_before_finish(work_t *work, job_t *job, const redisReply *reply)
{
    return tick_before_step(work, job, lease_commit_finish(work, job, reply));
}
