
/*
 * A read mark changes how many messages are unread by those that it passes, or
 * to those that follow it.  Where either is many, Redis says what to count
 * first: that takes some commands of bounded length, and holds whatever is
 * written meanwhile, unless another mark of the same user comes in between.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mark_read.h"


job_step_e
read_begin(work_t *work, job_t *job)
{
    int          rc;
    uint64_t     left;
    faults_t     faults = FAULTS_INIT;
    job_mark_t  *mark = &job->mark;

    if (!mark->parsed) {
        if (body_read_parse(job->data, job->data_len, &mark->body, &faults)
            == -1)
        {
            return job_fault(job, &faults);
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


/* what Redis wants counted first */

static job_step_e
read_count(job_mark_t *mark, const redisReply *reply)
{
    long long  after, last;

    if (conn_number(conn_element(reply, 1), &after) == -1
        || conn_number(conn_element(reply, 2), &last) == -1)
    {
        return JOB_KEPT;
    }

    mark->last = (uint64_t) last;

    /* what was counted from there already holds */

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
read_counted(job_mark_t *mark, const redisReply *reply)
{
    long long  seq, n;

    if (conn_number(conn_element(reply, 1), &seq) == -1
        || conn_number(conn_element(reply, 2), &n) == -1
        || (uint64_t) seq <= mark->count.seq)
    {
        return JOB_KEPT;
    }

    mark->count.seq = (uint64_t) seq;
    mark->count.unread += (uint64_t) n;

    return JOB_SENT;
}


/* the reader's inbox, which the reply brings along: 0, or -1 */

static int
read_badge(work_t *work, job_t *job, const redisReply *reply)
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
read_is_past(job_t *job)
{
    faults_t  faults = FAULTS_INIT;

    fault_add(&faults, "upto", "is past the head, which is %lld",
              job->mark.head);

    return job_fault(job, &faults);
}


/* the mark lies past the head: another one that does not, if there is one */

static job_step_e
read_past(job_t *job, const redisReply *reply)
{
    size_t        i;
    uint64_t      best;
    body_read_t  *body;
    job_mark_t   *mark;

    mark = &job->mark;
    body = &mark->body;

    if (conn_number(conn_element(reply, 1), &mark->head) == -1) {
        return JOB_KEPT;
    }

    mark->past = 1;
    best = 0;

    for (i = 0; i < body->nmarks; i++) {
        if (body->marks[i] <= (uint64_t) mark->head && body->marks[i] > best) {
            best = body->marks[i];
        }
    }

    if (best == 0) {
        return read_is_past(job);
    }

    body->marks[0] = best;
    body->nmarks = 1;

    return JOB_SENT;
}


job_step_e
read_finish(work_t *work, job_t *job, const redisReply *reply)
{
    long long  kind;

    if (job->mark.counting) {
        return read_counted(&job->mark, reply);
    }

    if (conn_number(conn_element(reply, 0), &kind) == -1) {
        return JOB_KEPT;
    }

    switch (kind) {

    case 0:
        if (read_badge(work, job, reply) == -1) {
            return JOB_KEPT;
        }

        work->stats->reads++;

        return job->mark.past ? read_is_past(job) : job_marked(job);

    case 1:
        return read_past(job, reply);

    case 3:
        return read_count(&job->mark, reply);

    default:
        return job_refuse(job, PROBLEM_NOT_FOUND, NULL, NULL);
    }
}
