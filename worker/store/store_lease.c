
/*
 * Encodes a lease plan (lease_plan.h) as the operations of ll1_lease.  Entries
 * are encoded and hashed here, one after the other, and so are the views of the
 * resulting state that Redis serves.
 */

#include <stdio.h>
#include <string.h>

#include "common/cursor.h"
#include "chain.h"
#include "json.h"
#include "store_lease.h"
#include "view.h"


typedef struct {
    args_t               *args;
    lease_plan_t         *plan;
    buf_t                 last;    /* the newest entry, as in inboxes */
    unsigned char         hash[CHAIN_HASH];
    int                   failed;
} store_commit_t;


/* adds a buffer as an argument, and frees it */
static void
store_lease_arg(store_commit_t *commit, buf_t *buf)
{
    if (buf_failed(buf)) {
        commit->failed = 1;
    }

    args_copy(commit->args, buf->data ? buf->data : "", buf->len);
    buf_free(buf);
}


static void
store_lease_event(store_commit_t *commit, const lease_step_t *step)
{
    buf_t          buf = BUF_INIT;
    unsigned char  salt[CHAIN_SALT];
    entry_lease_t  entry;

    memset(&entry, 0, sizeof(entry_lease_t));
    memset(salt, 0, sizeof(salt));

    entry.seq = step->seq;
    entry.at = commit->plan->at;
    entry.event = step->event;
    entry.lease_id = step->lease->body.lease_id;
    entry.party = step->party;

    entry_lease(&buf, &entry);

    if (buf_failed(&buf)
        || chain_salt(salt) == -1
        || chain_next(commit->hash, commit->hash, salt, buf.data, buf.len)
           == -1)
    {
        commit->failed = 1;
    }

    args_lit(commit->args, "entry");
    store_lease_arg(commit, &buf);
    args_copy(commit->args, (char *) salt, sizeof(salt));
    args_copy(commit->args, (char *) commit->hash, CHAIN_HASH);

    buf_reset(&commit->last);
    entry_lease_last(&commit->last, &entry);
}


/* adds tag, time, label, lease, last, each on a line; then the parties */
static void
store_lease_snap(store_commit_t *commit, const lease_step_t *step)
{
    char   tag[LL_TAG_LEN];
    buf_t  buf = BUF_INIT;

    ll_cursor_tag(tag, commit->hash);

    buf_add(&buf, tag, LL_TAG_LEN);
    buf_lit(&buf, "\n");
    buf_number(&buf, commit->plan->at);
    buf_lit(&buf, "\n");
    json_strings(&buf, step->lease->body.label);
    buf_lit(&buf, "\n");
    view_lease(&buf, step->lease, "ended", step->ends_at);
    buf_lit(&buf, "\n");
    buf_add(&buf, commit->last.data, commit->last.len);
    buf_lit(&buf, "\n");

    args_lit(commit->args, "snap");
    args_number(commit->args, (int64_t) step->seq);
    store_lease_arg(commit, &buf);

    view_parties(&buf, step->lease, step->departed);
    store_lease_arg(commit, &buf);
}


static const char *
store_lease_role(const body_party_t *party)
{
    return party->role == BODY_LANDLORD ? "l" : "t";
}


static void
store_lease_open(store_commit_t *commit, const lease_step_t *step)
{
    args_t  *args = commit->args;

    args_lit(args, "open");
    args_adds(args, step->party->user);
    args_adds(args, store_lease_role(step->party));
    args_number(args, (int64_t) step->from);
}


static void
store_lease_close(store_commit_t *commit, const lease_step_t *step)
{
    args_t  *args = commit->args;

    args_lit(args, "close");
    args_adds(args, step->party->user);
    args_adds(args, store_lease_role(step->party));
    args_number(args, (int64_t) step->from);
    args_number(args, (int64_t) step->seq);
}


static void
store_lease_step(store_commit_t *commit, const lease_step_t *step)
{
    buf_t    buf = BUF_INIT;
    args_t  *args = commit->args;

    switch (step->type) {

    case LEASE_EVENT:
        store_lease_event(commit, step);
        break;

    case LEASE_SNAP:
        store_lease_snap(commit, step);
        break;

    case LEASE_OPEN:
        store_lease_open(commit, step);
        break;

    case LEASE_CLOSE:
        store_lease_close(commit, step);
        break;

    case LEASE_PEND:
        args_lit(args, "pend");
        args_adds(args, step->party->user);
        args_adds(args, store_lease_role(step->party));
        break;

    case LEASE_UNPEND:
        args_lit(args, "unpend");
        args_adds(args, step->party->user);
        break;

    case LEASE_ARCHIVE:
        args_lit(args, "ended");
        args_adds(args, step->lease->body.lease_id);
        lease_plan_ended_encode(&buf, step->lease, step->ends_at);
        store_lease_arg(commit, &buf);
        break;
    }
}


static void
store_lease_del(store_commit_t *commit, const char *field)
{
    args_lit(commit->args, "del");
    args_adds(commit->args, field);
}


static void
store_lease_set(store_commit_t *commit, const char *field, buf_t *value)
{
    args_lit(commit->args, "set");
    args_adds(commit->args, field);
    store_lease_arg(commit, value);
}


/*
 * Adds the field with what views show of a lease, "SIGNATURE LABEL LEASE
 * PARTIES" in lines; deletes it if there is no lease.  One field, as each takes
 * some 60 bytes more than its value, and all are read together.
 */
static void
store_lease_set_view(store_commit_t *commit, const char *field,
    const state_lease_t *lease, const char *state)
{
    char   signature[VIEW_SIGNATURE + 1];
    buf_t  all = BUF_INIT, view = BUF_INIT, parties = BUF_INIT;

    if (lease == NULL) {
        store_lease_del(commit, field);
        return;
    }

    view_lease(&view, lease, state, lease->ends_at);
    view_parties(&parties, lease, 0);

    if (buf_failed(&view) || buf_failed(&parties)
        || view_signature(signature, &view, &parties) == -1)
    {
        commit->failed = 1;
        signature[0] = '\0';
    }

    buf_adds(&all, signature);
    buf_lit(&all, "\n");
    json_strings(&all, lease->body.label);
    buf_lit(&all, "\n");
    buf_add(&all, view.data, view.len);
    buf_lit(&all, "\n");
    buf_add(&all, parties.data, parties.len);

    store_lease_set(commit, field, &all);

    buf_free(&view);
    buf_free(&parties);
}


/* adds the fields of meta of the resulting state */
static void
store_lease_set_state(store_commit_t *commit)
{
    buf_t                 buf = BUF_INIT;
    const state_t        *next = &commit->plan->next;
    const state_lease_t  *lease;

    store_lease_set_view(commit, "view", next->active, "active");
    store_lease_set_view(commit, "pview", next->pending, "pending");

    if (next->pending != NULL) {
        view_next(&buf, next->pending);
        store_lease_set(commit, "next", &buf);
        buf_number(&buf, next->pending->declared_at);
        store_lease_set(commit, "pat", &buf);

    } else {
        store_lease_del(commit, "next");
        store_lease_del(commit, "pat");
    }

    lease = next->active != NULL ? next->active : next->pending;

    if (lease != NULL) {
        buf_adds(&buf, lease->body.time_zone);
        store_lease_set(commit, "zone", &buf);
    }

    state_encode(&buf, next);
    store_lease_set(commit, "state", &buf);

    buf_number(&buf, next->at);
    store_lease_set(commit, "at", &buf);

    buf_add(&buf, (char *) commit->hash, CHAIN_HASH);
    store_lease_set(commit, "hash", &buf);

    if (commit->last.len != 0) {
        store_lease_set(commit, "last", &commit->last);
    }
}


int
store_lease(store_t *store, const property_t *property, lease_plan_t *plan)
{
    int             rc;
    size_t          i;
    args_t         *args;
    buf_t           first = BUF_INIT;
    state_t         initial;
    store_commit_t  commit;

    memset(&commit, 0, sizeof(store_commit_t));

    args = store_property(store, "ll1_lease", property);

    commit.args = args;
    commit.plan = plan;
    memcpy(commit.hash, property->state.hash, CHAIN_HASH);

    args_number(args, (int64_t) property->state.seq);
    args_add(args, (const char *) property->state.hash, CHAIN_HASH);
    args_number(args, (int64_t) property->state.rev);
    args_adds(args, property->channel);

    if (property->state.rev == 0) {
        if (state_init(&initial, property->id, property->len) == -1) {
            commit.failed = 1;
        }

        buf_add(&first, (char *) initial.hash, LL_TAG_LEN / 2);
        store_lease_set(&commit, "h0", &first);
    }

    for (i = 0; i < plan->nsteps; i++) {
        store_lease_step(&commit, &plan->steps[i]);
    }

    store_lease_set_state(&commit);

    if (commit.failed || buf_failed(&commit.last)) {
        args->made.failed = 1;
    }

    memcpy(plan->next.hash, commit.hash, CHAIN_HASH);
    plan->next.rev = property->state.rev + 1;

    rc = store_send(store);

    buf_free(&commit.last);

    return rc;
}
