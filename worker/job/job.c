
#include <string.h>

#include "lease_job.h"
#include "job.h"


job_step_e
job_settle(job_t *job, unsigned status, uint64_t seq)
{
    job->status = status;
    job->seq = seq;

    return JOB_SETTLED;
}


job_step_e
job_refuse(job_t *job, problem_e problem, const char *detail,
    const faults_t *faults)
{
    buf_reset(&job->answer);
    problem_write(&job->answer, problem, detail, faults);

    if (buf_failed(&job->answer)) {
        return JOB_KEPT;
    }

    return job_settle(job, problem_status(problem), 0);
}


job_step_e
job_fault(job_t *job, faults_t *faults)
{
    job_step_e  step;

    step = JOB_KEPT;

    if (faults->n != 0) {
        step = job_refuse(job, PROBLEM_INVALID_BODY, NULL, faults);
    }

    faults_free(faults);

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

    return property_learn(job->property, &state);
}


void
job_free(job_t *job)
{
    if (job->message.parsed) {
        body_send_free(&job->message.body);
    }

    buf_free(&job->message.entry);
    buf_free(&job->message.last);
    buf_free(&job->answer);

    if (job->declare.parsed) {
        body_lease_free(&job->declare.body);
    }

    declare_free(&job->declare);
}
