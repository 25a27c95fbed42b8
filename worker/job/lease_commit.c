
/*
 * The steps: read the state, make the plan (lease.h), and commit.  If the
 * property has changed meanwhile, start again.
 *
 * Inboxes and the due time are written when the batch is published, before the
 * request is acknowledged.  If the worker dies in between, the next one finds
 * nothing to commit, and writes them.
 *
 * The job owns the plan.
 */

#include <string.h>

#include "lease_commit.h"
#include "store_lease.h"


static void
lease_commit_replan(job_commit_t *commit)
{
    lease_plan_free(&commit->plan);

    commit->planned = 0;
}


void
lease_commit_free(job_commit_t *commit)
{
    lease_commit_replan(commit);
    buf_free(&commit->ended);
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


/* makes the plan: 0, or -1 if memory is short */
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

    return commit->result == LEASE_NO_MEMORY ? -1 : 0;
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

    return store_lease(&work->store, property, &commit->plan) == -1
           ? COMMIT_LOST : COMMIT_SENT;
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

    property_update(job->property, &commit->plan.next);

    return lease_commit_done(job);
}


commit_step_e
lease_commit_finish(work_t *work, job_t *job, const redisReply *reply)
{
    if (!job->commit.asked) {
        return lease_commit_asked(job, reply);
    }

    return lease_commit_committed(work, job, reply);
}
