
/*
 * Ask for the state; make the plan (lease.h); count what is unread in windows
 * that reach back, some entries at a time; commit.  Where Redis says that the
 * property has moved on, begin again.
 *
 * The inboxes and the due time follow when the batch is published, and before
 * the request is acknowledged: after a crash in between, the same plan changes
 * nothing any more, but they are done then.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lease_commit.h"


/* entries counted by one command; Redis is busy for about a millisecond */
#define COMMIT_COUNT   1000

/* so many of the newest may be left to the commit itself */
#define COMMIT_UNSEEN  500


static void
lease_commit_replan(job_commit_t *commit)
{
    lease_plan_free(&commit->plan);
    free(commit->counts);

    commit->counts = NULL;
    commit->ncounts = 0;
    commit->counted = 0;
    commit->planned = 0;
    commit->committing = 0;
}


void
lease_commit_free(job_commit_t *commit)
{
    lease_commit_replan(commit);
    commit->asked = 0;
    buf_free(&commit->ended);
}


static commit_step_e
lease_commit_ask(work_t *work, job_t *job, const body_lease_t *body)
{
    if (store_state(&work->store, job->property,
                    body != NULL ? body->lease_id : "")
        == -1)
    {
        return COMMIT_LOST;
    }

    return COMMIT_SENT;
}


/* 0, or -1 if memory is short */

static int
lease_commit_plan(work_t *work, job_t *job, const body_lease_t *body)
{
    size_t            i;
    lease_step_t     *step;
    job_commit_t     *commit = &job->commit;
    lease_request_t   request;

    memset(&request, 0, sizeof(lease_request_t));

    if (body != NULL) {
        request.body = body;
        request.request = job->id;
        request.ended = commit->ended.len ? commit->ended.data : NULL;
        request.ended_len = commit->ended.len;
    }

    commit->result = lease_decide(&commit->plan, &job->property->state,
                                  &request, work->now);
    commit->planned = 1;

    if (commit->result == LEASE_NO_MEMORY) {
        return -1;
    }

    commit->counts = calloc(commit->plan.nsteps + 1, sizeof(store_count_t));
    if (commit->counts == NULL) {
        return -1;
    }

    for (i = 0; i < commit->plan.nsteps; i++) {
        step = &commit->plan.steps[i];

        if (step->type == LEASE_OPEN && step->unread == LEASE_RECOUNT) {
            commit->counts[commit->ncounts++].user = step->party->user;
        }
    }

    return 0;
}


/* nothing more is to be committed: the inboxes and the due time follow */

static commit_step_e
lease_commit_done(job_t *job)
{
    job->property->refresh = 1;
    job->property->due = 1;

    return COMMIT_DONE;
}


commit_step_e
lease_commit_begin(work_t *work, job_t *job, const body_lease_t *body)
{
    int            rc;
    property_t    *property = job->property;
    job_commit_t  *commit = &job->commit;

    property->blocked = 1;

    /* what is known of an ended lease is as old as the state it came with */

    if (!commit->asked || !property->known
        || commit->rev != property->state.rev)
    {
        lease_commit_replan(commit);
        commit->asked = 0;
        return lease_commit_ask(work, job, body);
    }

    if (!commit->planned && lease_commit_plan(work, job, body) == -1) {
        return COMMIT_KEPT;
    }

    if (!commit->plan.changed) {
        return lease_commit_done(job);
    }

    if (commit->counted < commit->ncounts) {
        rc = store_count(&work->store, property,
                         &commit->counts[commit->counted], COMMIT_COUNT);

    } else {
        rc = store_lease(&work->store, property, &commit->plan,
                         commit->counts);
        commit->committing = 1;
    }

    return rc == -1 ? COMMIT_LOST : COMMIT_SENT;
}


/* the state, and how the lease was declared if it has ended */

static commit_step_e
lease_commit_asked(job_t *job, const redisReply *reply)
{
    const redisReply  *over;

    over = conn_element(reply, 7);
    buf_reset(&job->commit.ended);

    if (over != NULL && over->type == REDIS_REPLY_STRING) {
        buf_add(&job->commit.ended, over->str, over->len);
    }

    if (buf_failed(&job->commit.ended) || job_learn(job, reply) == -1) {
        return COMMIT_KEPT;
    }

    job->commit.asked = 1;
    job->commit.rev = job->property->state.rev;

    return COMMIT_SENT;
}


/* a part of what is unread in a window that reaches back */

static commit_step_e
lease_commit_counted(job_t *job, const redisReply *reply)
{
    long long          mark, seq, n;
    store_count_t     *count;
    job_commit_t      *commit = &job->commit;
    const redisReply  *text;

    count = &commit->counts[commit->counted];
    text = conn_element(reply, 0);

    if (conn_number(text, &mark) == -1
        || text->type != REDIS_REPLY_STRING
        || conn_number(conn_element(reply, 1), &seq) == -1
        || conn_number(conn_element(reply, 2), &n) == -1)
    {
        return COMMIT_KEPT;
    }

    if (count->mark[0] == '\0') {
        (void) snprintf(count->mark, sizeof(count->mark), "%s", text->str);
    }

    count->seq = (uint64_t) seq;
    count->unread += (uint64_t) n;

    if (count->seq + COMMIT_UNSEEN >= job->property->state.seq) {
        commit->counted++;
    }

    return COMMIT_SENT;
}


static commit_step_e
lease_commit_committed(work_t *work, job_t *job, const redisReply *reply)
{
    long long      kind, ver;
    job_commit_t  *commit = &job->commit;

    if (conn_number(conn_element(reply, 0), &kind) == -1) {
        return COMMIT_KEPT;
    }

    if (kind != 0) {
        work->stats->conflicts++;
        lease_commit_replan(commit);
        commit->asked = 0;
        return COMMIT_SENT;
    }

    if (conn_number(conn_element(reply, 1), &ver) == 0) {
        commit->plan.next.ver = (uint64_t) ver;
    }

    if (property_learn(job->property, &commit->plan.next) == -1) {
        return COMMIT_KEPT;
    }

    return lease_commit_done(job);
}


commit_step_e
lease_commit_finish(work_t *work, job_t *job, const redisReply *reply)
{
    if (!job->commit.asked) {
        return lease_commit_asked(job, reply);
    }

    if (!job->commit.committing) {
        return lease_commit_counted(job, reply);
    }

    return lease_commit_committed(work, job, reply);
}
