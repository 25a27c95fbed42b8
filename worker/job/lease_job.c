
/*
 * Ask for the state; make the plan (lease.h); count what is unread in windows
 * that reach back, some entries at a time; commit.  Where Redis says that the
 * property has moved on, begin again.
 *
 * The inboxes and the due time follow when the batch is settled, and before
 * the request is acknowledged: after a crash in between, the same declaration
 * changes nothing any more, but they are done then.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cursor.h"
#include "lease_job.h"
#include "json.h"


/* entries counted by one command; Redis is busy for about a millisecond */
#define DECLARE_COUNT   1000

/* so many of the newest may be left to the commit itself */
#define DECLARE_UNSEEN  500


static void
declare_replan(job_declare_t *declare)
{
    lease_plan_free(&declare->plan);
    free(declare->counts);

    declare->counts = NULL;
    declare->ncounts = 0;
    declare->counted = 0;
    declare->planned = 0;
    declare->committing = 0;
}


void
declare_free(job_declare_t *declare)
{
    declare_replan(declare);
    declare->asked = 0;
    buf_free(&declare->over);
}


static int
declare_is_tick(const job_t *job)
{
    return job->op != JOB_LEASE;
}


static job_step_e
declare_ask(work_t *work, job_t *job)
{
    if (store_state(&work->store, job->property,
                    declare_is_tick(job) ? "" : job->declare.body.lease_id)
        == -1)
    {
        return JOB_LOST;
    }

    return JOB_SENT;
}


/* 0, or -1 if memory is short */

static int
declare_plan(work_t *work, job_t *job)
{
    size_t            i;
    lease_step_t     *step;
    job_declare_t    *declare = &job->declare;
    lease_request_t   request;

    memset(&request, 0, sizeof(lease_request_t));

    if (!declare_is_tick(job)) {
        request.body = &declare->body;
        request.request = job->id;
        request.over = declare->over.len ? declare->over.data : NULL;
        request.over_len = declare->over.len;
    }

    declare->result = lease_plan(&declare->plan, &job->property->state,
                                 &request, work->now);
    declare->planned = 1;

    if (declare->result == LEASE_NO_MEMORY) {
        return -1;
    }

    declare->counts = calloc(declare->plan.nsteps + 1, sizeof(store_count_t));
    if (declare->counts == NULL) {
        return -1;
    }

    for (i = 0; i < declare->plan.nsteps; i++) {
        step = &declare->plan.steps[i];

        if (step->type == LEASE_OPEN && step->unread == LEASE_RECOUNT) {
            declare->counts[declare->ncounts++].user = step->party->user;
        }
    }

    return 0;
}


/* {"property":…,"lease":{…},"head":…}: 0, or -1 */

static int
declare_answer(job_t *job)
{
    char            head[LL_CURSOR_MAX], tag[LL_TAG_LEN];
    buf_t          *buf = &job->answer;
    job_declare_t  *declare = &job->declare;
    const state_t  *state = &job->property->state;

    ll_cursor_tag(tag, state->hash);

    buf_reset(buf);
    buf_lit(buf, "{\"property\":\"");
    buf_adds(buf, job->property->id);
    buf_lit(buf, "\",\"lease\":{\"id\":");
    json_strings(buf, declare->body.lease_id);
    buf_lit(buf, ",\"state\":\"");
    buf_adds(buf, declare->plan.shown);
    buf_lit(buf, "\",\"starts_at\":");
    json_time(buf, declare->body.starts_at);
    buf_lit(buf, ",\"ends_at\":");
    json_time(buf, declare->plan.ends_at);
    buf_lit(buf, "},\"head\":\"");
    buf_add(buf, head, ll_cursor_encode(head, state->seq, tag));
    buf_lit(buf, "\"}");

    return buf_failed(buf) ? -1 : 0;
}


/* nothing (more) is to be committed */

static job_step_e
declare_settle(work_t *work, job_t *job)
{
    faults_t  faults = FAULTS_INIT;

    job->property->refresh = 1;
    job->property->due = 1;

    if (declare_is_tick(job)) {
        work->stats->ticks++;
        return job_settle(job, 200, 0);
    }

    switch (job->declare.result) {

    case LEASE_DONE:
        work->stats->leases++;
        return declare_answer(job) == -1 ? JOB_KEPT : job_settle(job, 200, 0);

    case LEASE_IN_THE_WAY:
        return job_refuse(job, PROBLEM_LEASE_CONFLICT, NULL, NULL);

    case LEASE_ENDED:
        return job_refuse(job, PROBLEM_LEASE_ENDED, NULL, NULL);

    case LEASE_STARTED:
        fault_add(&faults, "starts_at",
                  "can't change while the lease is active");
        return job_fault(job, &faults);

    default:
        return JOB_KEPT;
    }
}


job_step_e
declare_begin(work_t *work, job_t *job)
{
    int             rc;
    faults_t        faults = FAULTS_INIT;
    property_t     *property = job->property;
    job_declare_t  *declare = &job->declare;

    if (!declare_is_tick(job) && !declare->parsed) {
        if (body_lease_parse(job->data, job->data_len, &declare->body, &faults)
            == -1)
        {
            return job_fault(job, &faults);
        }

        declare->parsed = 1;
    }

    property->blocked = 1;

    if (!declare->asked || !property->known) {
        declare_replan(declare);
        declare->asked = 0;
        return declare_ask(work, job);
    }

    if (!declare->planned && declare_plan(work, job) == -1) {
        return JOB_KEPT;
    }

    if (!declare->plan.changed) {
        return declare_settle(work, job);
    }

    if (declare->counted < declare->ncounts) {
        rc = store_count(&work->store, property,
                         &declare->counts[declare->counted], DECLARE_COUNT);

    } else {
        rc = store_lease(&work->store, property, &declare->plan,
                         declare->counts);
        declare->committing = 1;
    }

    return rc == -1 ? JOB_LOST : JOB_SENT;
}


/* the state, and how the lease was declared if it has ended */

static job_step_e
declare_asked(job_t *job, const redisReply *reply)
{
    const redisReply  *over;

    over = conn_element(reply, 7);
    buf_reset(&job->declare.over);

    if (over != NULL && over->type == REDIS_REPLY_STRING) {
        buf_add(&job->declare.over, over->str, over->len);
    }

    if (buf_failed(&job->declare.over) || job_learn(job, reply) == -1) {
        return JOB_KEPT;
    }

    job->declare.asked = 1;

    return JOB_SENT;
}


/* a part of what is unread in a window that reaches back */

static job_step_e
declare_counted(job_t *job, const redisReply *reply)
{
    long long          mark, seq, n;
    store_count_t     *count;
    job_declare_t     *declare = &job->declare;
    const redisReply  *text;

    count = &declare->counts[declare->counted];
    text = conn_element(reply, 0);

    if (conn_number(text, &mark) == -1
        || text->type != REDIS_REPLY_STRING
        || conn_number(conn_element(reply, 1), &seq) == -1
        || conn_number(conn_element(reply, 2), &n) == -1)
    {
        return JOB_KEPT;
    }

    if (count->mark[0] == '\0') {
        (void) snprintf(count->mark, sizeof(count->mark), "%s", text->str);
    }

    count->seq = (uint64_t) seq;
    count->unread += (uint64_t) n;

    if (count->seq + DECLARE_UNSEEN >= job->property->state.seq) {
        declare->counted++;
    }

    return JOB_SENT;
}


static job_step_e
declare_committed(work_t *work, job_t *job, const redisReply *reply)
{
    long long       kind, ver;
    job_declare_t  *declare = &job->declare;

    if (conn_number(conn_element(reply, 0), &kind) == -1) {
        return JOB_KEPT;
    }

    if (kind != 0) {
        work->stats->conflicts++;
        declare_replan(declare);
        declare->asked = 0;
        return JOB_SENT;
    }

    if (conn_number(conn_element(reply, 1), &ver) == 0) {
        declare->plan.next.ver = (uint64_t) ver;
    }

    if (property_learn(job->property, &declare->plan.next) == -1) {
        return JOB_KEPT;
    }

    return declare_settle(work, job);
}


job_step_e
declare_finish(work_t *work, job_t *job, const redisReply *reply)
{
    if (!job->declare.asked) {
        return declare_asked(job, reply);
    }

    if (!job->declare.committing) {
        return declare_counted(job, reply);
    }

    return declare_committed(work, job, reply);
}
