
/* Plans: lists of steps.  A plan owns its steps and the state they lead to. */

#include <stdlib.h>
#include <string.h>

#include "lease_plan.h"


/* adds a step; if memory is short, returns one that is not in the plan */
static lease_step_t *
lease_plan_step(lease_plan_t *plan, lease_step_e type, state_lease_t *lease,
    const body_party_t *party)
{
    void                *p;
    size_t               size;
    lease_step_t        *step;
    static lease_step_t  lost;

    if (plan->nsteps == plan->size) {
        size = plan->size ? plan->size * 2 : 16;

        p = realloc(plan->steps, size * sizeof(lease_step_t));
        if (p == NULL) {
            plan->failed = 1;
            return &lost;
        }

        plan->steps = p;
        plan->size = size;
    }

    step = &plan->steps[plan->nsteps++];
    memset(step, 0, sizeof(lease_step_t));

    step->type = type;
    step->lease = state_lease_ref(lease);
    step->party = party;

    plan->changed = 1;

    return step;
}


uint64_t
lease_plan_event(lease_plan_t *plan, entry_event_e event, state_lease_t *lease,
    const body_party_t *party)
{
    lease_step_t  *step;

    step = lease_plan_step(plan, LEASE_EVENT, lease, party);
    step->event = event;
    step->seq = ++plan->next.seq;

    plan->next.at = plan->at;

    return plan->next.seq;
}


void
lease_plan_snap(lease_plan_t *plan, state_lease_t *lease, uint64_t seq,
    int64_t ends_at, uint64_t departed)
{
    lease_step_t  *step;

    step = lease_plan_step(plan, LEASE_SNAP, lease, NULL);
    step->seq = seq;
    step->ends_at = ends_at;
    step->departed = departed;
}


void
lease_plan_window_open(lease_plan_t *plan, state_lease_t *lease, size_t i,
    uint64_t from)
{
    lease_step_t  *step;

    step = lease_plan_step(plan, LEASE_OPEN, lease, &lease->body.parties[i]);
    step->from = from;

    lease->from[i] = from;
}


void
lease_plan_window_close(lease_plan_t *plan, state_lease_t *lease, size_t i,
    uint64_t seq)
{
    lease_step_t  *step;

    step = lease_plan_step(plan, LEASE_CLOSE, lease, &lease->body.parties[i]);
    step->from = lease->from[i];
    step->seq = seq;
}


void
lease_plan_end(lease_plan_t *plan, int64_t ends_at)
{
    size_t           i, n;
    uint64_t         seq;
    lease_step_t    *step;
    state_lease_t   *lease;
    state_window_t  *closed;

    lease = plan->next.active;
    n = lease->body.nparties;

    seq = lease_plan_event(plan, ENTRY_ENDED, lease, NULL);
    lease_plan_snap(plan, lease, seq, ends_at, 0);

    closed = calloc(n + 1, sizeof(state_window_t));
    if (closed == NULL) {
        plan->failed = 1;
        return;
    }

    for (i = 0; i < n; i++) {
        lease_plan_window_close(plan, lease, i, seq);

        memcpy(closed[i].user, lease->body.parties[i].user,
               sizeof(closed[i].user));
        closed[i].role = lease->body.parties[i].role;
        closed[i].from = lease->from[i];
    }

    free(plan->next.closed);
    plan->next.closed = closed;
    plan->next.nclosed = n;

    step = lease_plan_step(plan, LEASE_ARCHIVE, lease, NULL);
    step->ends_at = ends_at;

    plan->next.active = NULL;
    state_lease_free(lease);
}


/* the closed window that a renewal continues, or NULL */
static const state_window_t *
lease_plan_renewed(const state_t *state, const body_party_t *party)
{
    size_t  i;

    for (i = 0; i < state->nclosed; i++) {
        if (state->closed[i].role == party->role
            && strcmp(state->closed[i].user, party->user) == 0)
        {
            return &state->closed[i];
        }
    }

    return NULL;
}


void
lease_plan_open(lease_plan_t *plan, state_lease_t *lease)
{
    size_t                 i;
    uint64_t               seq;
    const body_party_t    *party;
    const state_window_t  *window;

    seq = lease_plan_event(plan, ENTRY_OPENED, lease, NULL);

    for (i = 0; i < lease->body.nparties; i++) {
        party = &lease->body.parties[i];
        window = lease_plan_renewed(&plan->next, party);

        if (window != NULL) {
            lease_plan_window_open(plan, lease, i, window->from);

        } else if (party->role == BODY_LANDLORD) {
            lease_plan_window_open(plan, lease, i, 1);

        } else {
            lease_plan_window_open(plan, lease, i, seq);
        }
    }

    plan->next.active = lease;
    plan->next.nclosed = 0;
}


void
lease_plan_pend(lease_plan_t *plan, state_lease_t *lease)
{
    size_t          i;
    body_party_t   *party;
    state_lease_t  *old;

    old = plan->next.pending;

    for (i = 0; old != NULL && i < old->body.nparties; i++) {
        party = &old->body.parties[i];

        if (lease == NULL || state_lease_party(lease, party->user) == -1) {
            (void) lease_plan_step(plan, LEASE_UNPEND, old, party);
        }
    }

    for (i = 0; lease != NULL && i < lease->body.nparties; i++) {
        (void) lease_plan_step(plan, LEASE_PEND, lease,
                               &lease->body.parties[i]);
    }

    if (lease != NULL) {
        lease->declared_at = plan->now;
    }

    plan->next.pending = lease;
    plan->changed = 1;
    state_lease_free(old);
}


void
lease_plan_ended_encode(buf_t *buf, const state_lease_t *lease, int64_t ends_at)
{
    buf_number(buf, ends_at);
    buf_lit(buf, " ");
    buf_adds(buf, lease->json);
}


void
lease_plan_free(lease_plan_t *plan)
{
    size_t  i;

    for (i = 0; i < plan->nsteps; i++) {
        state_lease_free(plan->steps[i].lease);
    }

    free(plan->steps);
    state_free(&plan->next);

    memset(plan, 0, sizeof(lease_plan_t));
}
