
/*
 * Declaring a lease.  The declaration and what is due by then are one plan,
 * committed at once; the response shows only the declared lease.
 *
 * The job owns the parsed body and the answer.
 */

#include "common/cursor.h"
#include "json.h"
#include "lease_commit.h"
#include "lease_job.h"


/* makes {"property":…,"lease":{…},"head":…}: 0, or -1 */
static int
lease_job_answer(job_t *job)
{
    char                 head[LL_CURSOR_MAX], tag[LL_TAG_LEN];
    buf_t               *buf = &job->lease.answer;
    const state_t       *state = &job->property->state;
    const lease_plan_t  *plan = &job->commit.plan;
    const body_lease_t  *body = &job->lease.body;

    ll_cursor_tag(tag, state->hash);

    buf_reset(buf);
    buf_lit(buf, "{\"property\":\"");
    buf_adds(buf, job->property->id);
    buf_lit(buf, "\",\"lease\":{\"id\":");
    json_strings(buf, body->lease_id);
    buf_lit(buf, ",\"state\":\"");
    buf_adds(buf, plan->state);
    buf_lit(buf, "\",\"starts_at\":");
    json_time(buf, body->starts_at);
    buf_lit(buf, ",\"ends_at\":");
    json_time(buf, plan->ends_at);
    buf_lit(buf, "},\"head\":\"");
    buf_add(buf, head, ll_cursor_encode(head, state->seq, tag));
    buf_lit(buf, "\"}");

    return buf_failed(buf) ? -1 : 0;
}


static job_step_e
lease_job_end(work_t *work, job_t *job)
{
    faults_t  faults = FAULTS_INIT;

    switch (job->commit.result) {

    case LEASE_DONE:
        work->stats->leases++;
        return lease_job_answer(job) == -1
               ? JOB_DEFERRED : job_done_lease(job, &job->lease.answer);

    case LEASE_CONFLICT:
        return job_refuse(job, PROBLEM_LEASE_CONFLICT, NULL, NULL);

    case LEASE_ENDED:
        return job_refuse(job, PROBLEM_LEASE_ENDED, NULL, NULL);

    case LEASE_STARTED:
        fault_add(&faults, "starts_at",
                  "can't change while the lease is active");
        return job_refuse_faults(job, &faults);

    default:
        return JOB_DEFERRED;
    }
}


static job_step_e
lease_job_step(work_t *work, job_t *job, commit_step_e step)
{
    switch (step) {

    case COMMIT_SENT:
        return JOB_SENT;

    case COMMIT_DONE:
        return lease_job_end(work, job);

    case COMMIT_DEFERRED:
        return JOB_DEFERRED;

    default:
        return JOB_LOST;
    }
}


job_step_e
lease_job_begin(work_t *work, job_t *job)
{
    faults_t      faults = FAULTS_INIT;
    job_lease_t  *lease = &job->lease;

    if (!lease->parsed) {
        if (body_lease_parse(job->data, job->data_len, &lease->body, &faults)
            == -1)
        {
            return job_refuse_faults(job, &faults);
        }

        lease->parsed = 1;
    }

    return lease_job_step(work, job,
                          lease_commit_begin(work, job, &lease->body));
}


job_step_e
lease_job_finish(work_t *work, job_t *job, const redisReply *reply)
{
    return lease_job_step(work, job, lease_commit_finish(work, job, reply));
}


void
lease_job_free(job_lease_t *lease)
{
    if (lease->parsed) {
        body_lease_free(&lease->body);
    }

    buf_free(&lease->answer);
}
