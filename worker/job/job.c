
/*
 * The results of jobs and of replies, and the clock.
 *
 * A job owns its answer and the parts for each operation, which dispatch_end()
 * frees; its strings point into a reply of the batch.
 */

#include <string.h>

#include "job.h"
#include "log.h"


/*
 * Sets the result of a job, and takes ownership of the answer's contents.  op:
 * the operation that the result belongs to.
 */
static job_step_e
job_complete(job_t *job, job_op_e op, unsigned status, uint64_t seq,
    buf_t *answer)
{
    buf_t  swap;

    if (job->op != op) {
        log_alert("status %u is the result of another operation", status);
        return JOB_DEFERRED;
    }

    if (answer != NULL) {
        if (buf_failed(answer) || answer->len == 0) {
            return JOB_DEFERRED;
        }

        swap = job->answer;
        job->answer = *answer;
        *answer = swap;
    }

    job->status = status;
    job->seq = seq;

    return JOB_DONE;
}


job_step_e
job_done_send(job_t *job, unsigned status, uint64_t seq, buf_t *entry)
{
    return job_complete(job, JOB_SEND, status, seq, entry);
}


job_step_e
job_done_read(job_t *job)
{
    return job_complete(job, JOB_READ, 204, 0, NULL);
}


job_step_e
job_done_lease(job_t *job, buf_t *answer)
{
    return job_complete(job, JOB_LEASE, 200, 0, answer);
}


job_step_e
job_done_tick(job_t *job)
{
    return job_complete(job, JOB_TICK, 0, 0, NULL);
}


job_step_e
job_refuse(job_t *job, problem_e problem, const char *detail,
    const faults_t *faults)
{
    buf_t       document = BUF_INIT;
    job_step_e  step;

    problem_write(&document, problem, detail, faults);
    step = job_complete(job, job->op, problem_status(problem), 0, &document);
    buf_free(&document);

    return step;
}


job_step_e
job_refuse_faults(job_t *job, faults_t *faults)
{
    job_step_e  step;

    step = JOB_DEFERRED;

    if (faults->n != 0) {
        step = job_refuse(job, PROBLEM_INVALID_BODY, NULL, faults);
    }

    fault_free(faults);

    return step;
}


int
job_update_state(job_t *job, const redisReply *reply)
{
    state_t  state;

    if (store_state_read(reply, job->property, &state) == -1) {
        property_forget(job->property);
        return -1;
    }

    property_update(job->property, &state);

    return 0;
}


int
job_accepted(const job_t *job)
{
    return job->step == JOB_DONE && !job->property->broken;
}


work_result_e
job_reply_result(const redisReply *reply, const property_t *property)
{
    switch (conn_result(reply)) {

    case CONN_OK:
        return WORK_DONE;

    case CONN_LOST:
        return WORK_LOST;

    case CONN_REFUSED:
        return WORK_REFUSED;

    case CONN_NO_LIBRARY:
        return WORK_NO_LIBRARY;

    default:
        log_error("redis failed a command for property \"%s\": \"%.200s\"",
                  property->id, reply->str);
        return WORK_DONE;
    }
}


int64_t
job_now(const work_t *work)
{
    return clock_monotonic() + work->clock_offset;
}


void
job_set_time(work_t *work, int64_t ms, int64_t sent, int64_t received)
{
    if (work->clock_offset < ms - received) {
        work->clock_offset = ms - received;

    } else if (work->clock_offset > ms + 1 - sent) {
        work->clock_offset = ms + 1 - sent;
    }
}
