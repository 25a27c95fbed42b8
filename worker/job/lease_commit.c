
/*
 * The steps: read the state, make the plan (lease.h), count the unread messages
 * of windows that start in the past, a number of entries at a time, and commit.
 * If the property has changed meanwhile, start again.
 *
 * Inboxes and the due time are written when the batch is published, before the
 * request is acknowledged.  If the worker dies in between, the next one finds
 * nothing to commit, and writes them.
 *
 * The job owns plan and counts.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lease_commit.h"
#include "store_lease.h"


static void
lease_commit_replan(job_commit_t *commit)
{
    lease_plan_free(&commit->plan);

    commit->counted = 0;
    commit->planned = 0;
    commit->committing = 0;
}


void
lease_commit_free(job_commit_t *commit)
{
    lease_commit_replan(commit);
    free(commit->counts);
    buf_free(&commit->ended);

    commit->counts = NULL;
    commit->ncounts = 0;
    commit->asked = 0;
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


/*
 * Prepares the counts for the plan: 0, or -1 if memory is short.  Counts of the
 * previous plan, which failed because the thread had grown, are continued:
 * otherwise nobody could join a long and busy thread.
 */
static int
lease_commit_counts(job_commit_t *commit)
{
    size_t               i, j, n;
    store_count_t       *counts;
    const lease_step_t  *step;

    counts = calloc(commit->plan.nsteps + 1, sizeof(store_count_t));
    if (counts == NULL) {
        return -1;
    }

    n = 0;

    for (i = 0; i < commit->plan.nsteps; i++) {
        step = &commit->plan.steps[i];

        if (step->type != LEASE_OPEN || step->unread != LEASE_RECOUNT) {
            continue;
        }

        (void) snprintf(counts[n].user, sizeof(counts[n].user), "%s",
                        step->party->user);

        for (j = 0; j < commit->ncounts; j++) {
            if (strcmp(commit->counts[j].user, counts[n].user) == 0) {
                counts[n] = commit->counts[j];
            }
        }

        n++;
    }

    free(commit->counts);
    commit->counts = counts;
    commit->ncounts = n;

    return 0;
}


/* makes the plan and its counts: 0, or -1 if memory is short */
static int
lease_commit_plan(work_t *work, job_t *job, const body_lease_t *body)
{
    job_commit_t     *commit = &job->commit;
    lease_request_t   request;

    memset(&request, 0, sizeof(lease_request_t));

    if (body != NULL) {
        request.body = body;
        request.request = job->origin;
        request.ended = commit->ended.len ? commit->ended.data : NULL;
        request.ended_len = commit->ended.len;
    }

    commit->result = lease_decide(&commit->plan, &job->property->state,
                                  &request, work->now);
    commit->planned = 1;

    if (commit->result == LEASE_NO_MEMORY) {
        return -1;
    }

    return lease_commit_counts(commit);
}


/* nothing is left to commit: has inboxes and due time written */
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

    /* commit->ended belongs to the state of rev */

    if (!commit->asked || !property->known
        || commit->rev != property->state.rev)
    {
        lease_commit_replan(commit);
        commit->asked = 0;
        return lease_commit_ask(work, job, body);
    }

    if (!commit->planned && lease_commit_plan(work, job, body) == -1) {
        return COMMIT_DEFERRED;
    }

    if (!commit->plan.changed) {
        return lease_commit_done(job);
    }

    if (commit->counted < commit->ncounts) {
        rc = store_count(&work->store, property,
                         &commit->counts[commit->counted], STORE_COUNT);

    } else {
        rc = store_lease(&work->store, property, &commit->plan,
                         commit->counts);
        commit->committing = 1;
    }

    return rc == -1 ? COMMIT_LOST : COMMIT_SENT;
}


/* handles the state, and the declaration of the lease if it has ended */
static commit_step_e
lease_commit_asked(job_t *job, const redisReply *reply)
{
    const redisReply  *ended;

    ended = conn_element(reply, 7);
    buf_reset(&job->commit.ended);

    if (ended != NULL && ended->type == REDIS_REPLY_STRING) {
        buf_add(&job->commit.ended, ended->str, ended->len);
    }

    if (buf_failed(&job->commit.ended) || job_update_state(job, reply) == -1) {
        return COMMIT_DEFERRED;
    }

    job->commit.asked = 1;
    job->commit.rev = job->property->state.rev;

    return COMMIT_SENT;
}


/* handles a part of the unread messages of a window */
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
        return COMMIT_DEFERRED;
    }

    if (count->mark[0] == '\0') {
        (void) snprintf(count->mark, sizeof(count->mark), "%s", text->str);

    } else if (strcmp(count->mark, text->str) != 0) {

        /* the read mark has changed: count again from there */

        count->mark[0] = '\0';
        count->unread = 0;

        return COMMIT_SENT;
    }

    count->seq = (uint64_t) seq;
    count->unread += (uint64_t) n;

    /* the commit counts up to STORE_COUNT entries itself */

    if (count->seq + STORE_COUNT >= job->property->state.seq) {
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
        return COMMIT_DEFERRED;
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

    if (property_update(job->property, &commit->plan.next) == -1) {
        return COMMIT_DEFERRED;
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
