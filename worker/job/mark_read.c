
/*
 * Setting a read mark.  A mark near the end of the thread needs one command.
 * For any other, Redis returns a range of entries to be counted first, those
 * that the mark passes or those that follow it, which takes several commands of
 * bounded cost.  The count stays valid while entries are appended, unless
 * another mark of the same user is set meanwhile.
 *
 * The job owns the parsed body.
 */

#include "mark_read.h"
#include "store_count.h"


job_step_e
mark_read_begin(work_t *work, job_t *job)
{
    int          rc;
    faults_t     faults = FAULTS_INIT;
    job_mark_t  *mark = &job->mark;

    if (!mark->parsed) {
        if (body_read_parse(job->data, job->data_len, &mark->body, &faults)
            == -1)
        {
            return job_refuse_faults(job, &faults);
        }

        mark->parsed = 1;
    }

    mark->counting = mark->counted.seq < mark->last;

    if (mark->counting) {
        mark->step = store_count_step(mark->counted.seq, mark->last);
        rc = store_count(&work->store, job->property, mark->counted.seq,
                         mark->step);

    } else {
        rc = store_mark(&work->store, job->property, job->user, &mark->counted,
                        mark->body.marks[0], work->now);
    }

    return rc == -1 ? JOB_LOST : JOB_SENT;
}


/* Redis returned the range to count first */
static job_step_e
mark_read_count(job_mark_t *mark, const redisReply *reply)
{
    long long         after, last;
    store_counted_t  *counted = &mark->counted;

    if (conn_number(conn_element(reply, 1), &after) == -1
        || conn_number(conn_element(reply, 2), &last) == -1)
    {
        return JOB_DEFERRED;
    }

    mark->last = (uint64_t) last;

    /* a count from the same entry on stays valid */

    if (!counted->started || counted->after != (uint64_t) after
        || counted->seq > mark->last)
    {
        counted->started = 1;
        counted->after = (uint64_t) after;
        counted->seq = (uint64_t) after;
        counted->messages = 0;
    }

    return JOB_SENT;
}


static job_step_e
mark_read_counted(job_t *job, const redisReply *reply)
{
    long long    messages, own;
    job_mark_t  *mark = &job->mark;

    if (store_count_read(reply, job->user, &messages, &own) == -1) {
        return JOB_DEFERRED;
    }

    mark->counted.seq = mark->step;
    mark->counted.messages += (uint64_t) (messages - own);

    return JOB_SENT;
}


static job_step_e
mark_read_refuse(job_t *job)
{
    faults_t  faults = FAULTS_INIT;

    fault_add(&faults, "upto", "is past the head, which is %lld",
              job->mark.head);

    return job_refuse_faults(job, &faults);
}


/* the mark is past the head: takes the largest one that is not, if any */
static job_step_e
mark_read_past(job_t *job, const redisReply *reply)
{
    size_t        i;
    uint64_t      best;
    body_read_t  *body;
    job_mark_t   *mark;

    mark = &job->mark;
    body = &mark->body;

    if (conn_number(conn_element(reply, 1), &mark->head) == -1) {
        return JOB_DEFERRED;
    }

    mark->past = 1;
    best = 0;

    for (i = 0; i < body->nmarks; i++) {
        if (body->marks[i] <= (uint64_t) mark->head && body->marks[i] > best) {
            best = body->marks[i];
        }
    }

    if (best == 0) {
        return mark_read_refuse(job);
    }

    body->marks[0] = best;
    body->nmarks = 1;

    return JOB_SENT;
}


job_step_e
mark_read_finish(work_t *work, job_t *job, const redisReply *reply)
{
    long long  kind, ver;

    if (job->mark.counting) {
        return mark_read_counted(job, reply);
    }

    if (conn_number(conn_element(reply, 0), &kind) == -1) {
        return JOB_DEFERRED;
    }

    switch (kind) {

    case 0:
        if (conn_number(conn_element(reply, 1), &ver) == -1
            || badge_add_reply(&work->badges, job->property, job->user, ver,
                               reply, 2)
               == -1)
        {
            return JOB_DEFERRED;
        }

        work->stats->reads++;

        return job->mark.past ? mark_read_refuse(job) : job_done_read(job);

    case 1:
        return mark_read_past(job, reply);

    case 3:
        return mark_read_count(&job->mark, reply);

    default:
        return job_refuse(job, PROBLEM_NOT_FOUND, NULL, NULL);
    }
}
