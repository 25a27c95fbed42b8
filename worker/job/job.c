
#include <string.h>

#include "job.h"
#include "log.h"


/*
 * the one place where a job gets its answer, which it takes over; op: whose
 * answer that is
 */

static job_step_e
job_settle(job_t *job, job_op_e op, unsigned status, uint64_t seq,
    buf_t *answer)
{
    buf_t  swap;

    if (job->op != op) {
        log_alert("an answer of status %u is not this request's", status);
        return JOB_KEPT;
    }

    if (answer != NULL) {
        if (buf_failed(answer) || answer->len == 0) {
            return JOB_KEPT;
        }

        swap = job->answer;
        job->answer = *answer;
        *answer = swap;
    }

    job->status = status;
    job->seq = seq;

    return JOB_SETTLED;
}


job_step_e
job_entry(job_t *job, unsigned status, uint64_t seq, buf_t *entry)
{
    return job_settle(job, JOB_SEND, status, seq, entry);
}


job_step_e
job_marked(job_t *job)
{
    return job_settle(job, JOB_READ, 204, 0, NULL);
}


job_step_e
job_declared(job_t *job, buf_t *answer)
{
    return job_settle(job, JOB_LEASE, 200, 0, answer);
}


job_step_e
job_ticked(job_t *job)
{
    return job_settle(job, JOB_TICK, 0, 0, NULL);
}


job_step_e
job_refuse(job_t *job, problem_e problem, const char *detail,
    const faults_t *faults)
{
    buf_t       document = BUF_INIT;
    job_step_e  step;

    problem_write(&document, problem, detail, faults);
    step = job_settle(job, job->op, problem_status(problem), 0, &document);
    buf_free(&document);

    return step;
}


job_step_e
job_fault(job_t *job, faults_t *faults)
{
    job_step_e  step;

    step = JOB_KEPT;

    if (faults->n != 0) {
        step = job_refuse(job, PROBLEM_INVALID_BODY, NULL, faults);
    }

    fault_free(faults);

    return step;
}


int
job_learn(job_t *job, const redisReply *reply)
{
    state_t  state;

    if (store_state_read(reply, job->property, &state) == -1) {
        property_forget(job->property);
        return -1;
    }

    return property_update(job->property, &state);
}


int64_t
work_now(const work_t *work)
{
    return clock_monotonic() + work->ahead;
}


void
work_heard(work_t *work, int64_t ms, int64_t sent, int64_t received)
{
    if (work->ahead < ms - received) {
        work->ahead = ms - received;

    } else if (work->ahead > ms + 1 - sent) {
        work->ahead = ms + 1 - sent;
    }
}
