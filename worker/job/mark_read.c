
#include <string.h>

#include "mark_read.h"


job_step_e
read_begin(work_t *work, job_t *job)
{
    faults_t     faults = FAULTS_INIT;
    body_read_t  body;

    if (body_read_parse(job->data, job->data_len, &body, &faults) == -1) {
        return job_fault(job, &faults);
    }

    if (store_mark(&work->store, job->property, job->user, body.upto,
                   work->now)
        == -1)
    {
        return JOB_LOST;
    }

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


job_step_e
read_finish(work_t *work, job_t *job, const redisReply *reply)
{
    faults_t   faults = FAULTS_INIT;
    long long  kind, head;

    if (conn_number(conn_element(reply, 0), &kind) == -1) {
        return JOB_KEPT;
    }

    if (kind == 0) {
        if (read_badge(work, job, reply) == -1) {
            return JOB_KEPT;
        }

        work->stats->reads++;

        return job_marked(job);
    }

    if (kind == 1 && conn_number(conn_element(reply, 1), &head) == 0) {
        fault_add(&faults, "upto", "is past the head, which is %lld", head);
        return job_fault(job, &faults);
    }

    return job_refuse(job, PROBLEM_NOT_FOUND, NULL, NULL);
}
