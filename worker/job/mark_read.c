
/*
 * Setting a read mark.  The number of unread messages is found by counting the
 * entries that the mark passes, or those that follow it.  If both are many,
 * Redis returns the range to count first, which takes several commands of
 * bounded cost.  The count stays valid while entries are appended, unless
 * another mark of the same user is set meanwhile.
 *
 * The job owns the parsed body and the count.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mark_read.h"


job_step_e
mark_read_begin(work_t *work, job_t *job)
{
    int          rc;
    uint64_t     left;
    faults_t     faults = FAULTS_INIT;
    job_mark_t  *mark = &job->mark;

    if (!mark->parsed) {
        if (body_read_parse(job->data, job->data_len, &mark->body, &faults)
            == -1)
        {
            return job_refuse_faults(job, &faults);
        }

        mark->parsed = 1;
        (void) snprintf(mark->count.user, sizeof(mark->count.user), "%s",
                        job->user);
    }

    mark->counting = mark->count.seq < mark->last;

    if (mark->counting) {
        left = mark->last - mark->count.seq;
        rc = store_count(&work->store, job->property, &mark->count,
                         left < STORE_COUNT ? (unsigned) left : STORE_COUNT);

    } else {
        rc = store_mark(&work->store, job->property, &mark->count,
                        mark->body.marks[0], work->now);
    }

    return rc == -1 ? JOB_LOST : JOB_SENT;
}


/* Redis returned the range to count first */
static job_step_e
mark_read_count(job_mark_t *mark, const redisReply *reply)
{
    long long  after, last;

    if (conn_number(conn_element(reply, 1), &after) == -1
        || conn_number(conn_element(reply, 2), &last) == -1)
    {
        return JOB_DEFERRED;
    }

    mark->last = (uint64_t) last;

    /* a count from the same entry on stays valid */

    if (strtoll(mark->count.mark, NULL, 10) != after
        || mark->count.mark[0] == '\0' || mark->count.seq > mark->last)
    {
        (void) snprintf(mark->count.mark, sizeof(mark->count.mark), "%lld",
                        after);
        mark->count.seq = (uint64_t) after;
        mark->count.unread = 0;
    }

    return JOB_SENT;
}


static job_step_e
mark_read_counted(job_mark_t *mark, const redisReply *reply)
{
    long long  seq, n;

    if (conn_number(conn_element(reply, 1), &seq) == -1
        || conn_number(conn_element(reply, 2), &n) == -1
        || (uint64_t) seq <= mark->count.seq)
    {
        return JOB_DEFERRED;
    }

    mark->count.seq = (uint64_t) seq;
    mark->count.unread += (uint64_t) n;

    return JOB_SENT;
}


/* adds the badge of the reader from the reply: 0, or -1 */
static int
mark_read_badge(work_t *work, job_t *job, const redisReply *reply)
{
    int                newer;
    badge_t           *badge;
    long long          ver, unread, at;
    const redisReply  *thread;

    thread = conn_element(reply, 4);

    if (thread == NULL
        || conn_number(conn_element(reply, 1), &ver) == -1
        || conn_number(conn_element(reply, 2), &unread) == -1
        || conn_number(conn_element(reply, 3), &at) == -1)
    {
        return -1;
    }

    badge = badge_add(&work->badges, job->property, job->user, ver, &newer);
    if (badge == NULL) {
        return newer ? 0 : -1;
    }

    badge->unread = unread;
    badge->at = at;
    buf_add(&badge->thread, thread->str, thread->len);

    return 0;
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
    long long  kind;

    if (job->mark.counting) {
        return mark_read_counted(&job->mark, reply);
    }

    if (conn_number(conn_element(reply, 0), &kind) == -1) {
        return JOB_DEFERRED;
    }

    switch (kind) {

    case 0:
        if (mark_read_badge(work, job, reply) == -1) {
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
