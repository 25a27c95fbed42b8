
/*
 * The rules by which a declaration, or the time, changes the leases of a
 * property.  Steps are added to a plan, which owns copies of the leases.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lease.h"


/* plans what is due by now */
static void
lease_tick(lease_plan_t *plan)
{
    state_t        *next = &plan->next;
    state_lease_t  *lease;

    while (!plan->failed) {

        if (next->active != NULL) {
            if (next->active->ends_at > plan->now) {
                return;
            }

            lease_plan_end(plan, next->active->ends_at);
            continue;
        }

        if (next->pending == NULL || next->pending->starts_at > plan->now) {
            return;
        }

        /* a copy: its windows are set */

        lease = state_lease_create(&next->pending->body);
        if (lease == NULL) {
            plan->failed = 1;
            return;
        }

        state_lease_free(next->pending);
        next->pending = NULL;

        lease_plan_open(plan, lease);
    }
}


/* plans the parties of the active lease who leave */
static void
lease_leave(lease_plan_t *plan, state_lease_t *old, const state_lease_t *new)
{
    int            j;
    size_t         i;
    uint64_t       departed, seq;
    body_party_t  *party;

    departed = 0;

    for (i = 0; i < old->body.nparties; i++) {
        party = &old->body.parties[i];
        j = state_lease_party(new, party->user);

        if (j != -1 && new->body.parties[j].role == party->role) {
            continue;
        }

        departed |= UINT64_C(1) << i;

        seq = lease_plan_event(plan, ENTRY_LEFT, old, party);
        lease_plan_snap(plan, old, seq, plan->at, departed);
        lease_plan_window_close(plan, old, i, seq);
    }
}


/* plans the parties who join; those who stay keep their window */
static void
lease_join(lease_plan_t *plan, const state_lease_t *old, state_lease_t *new)
{
    int            j;
    size_t         i;
    uint64_t       seq;
    body_party_t  *party;

    for (i = 0; i < new->body.nparties; i++) {
        party = &new->body.parties[i];
        j = state_lease_party(old, party->user);

        if (j != -1 && old->body.parties[j].role == party->role) {
            new->from[i] = old->from[j];
            continue;
        }

        seq = lease_plan_event(plan, ENTRY_JOINED, new, party);

        if (party->role == BODY_LANDLORD) {
            lease_plan_window_open(plan, new, i, 1);

        } else {
            lease_plan_window_open(plan, new, i, seq);
        }
    }
}


/* changes the active lease; takes over the reference to new */
static lease_result_e
lease_change(lease_plan_t *plan, state_lease_t *new)
{
    state_t        *next = &plan->next;
    state_lease_t  *old;

    old = next->active;

    if (strcmp(new->json, old->json) == 0) {
        state_lease_free(new);
        return LEASE_DONE;
    }

    if (new->starts_at != old->starts_at) {
        state_lease_free(new);
        return LEASE_STARTED;
    }

    if (next->pending != NULL && new->ends_at > next->pending->starts_at) {
        state_lease_free(new);
        return LEASE_CONFLICT;
    }

    lease_leave(plan, old, new);
    lease_join(plan, old, new);

    next->active = new;
    plan->changed = 1;
    state_lease_free(old);

    if (new->ends_at <= plan->now) {
        new->ends_at = plan->at;
        lease_plan_end(plan, plan->at);
    }

    return LEASE_DONE;
}


/* adds a lease that is neither active nor ended */
static lease_result_e
lease_add(lease_plan_t *plan, state_lease_t *new)
{
    state_t        *next = &plan->next;
    state_lease_t  *pending;

    pending = next->pending;

    if (pending != NULL && strcmp(new->json, pending->json) == 0) {
        state_lease_free(new);
        return LEASE_DONE;
    }

    if (next->active != NULL && new->starts_at < next->active->ends_at) {
        state_lease_free(new);
        return LEASE_CONFLICT;
    }

    if (new->starts_at > plan->now) {
        lease_plan_pend(plan, new);
        return LEASE_DONE;
    }

    if (pending != NULL
        && (strcmp(pending->body.lease_id, new->body.lease_id) == 0
            || pending->starts_at < new->ends_at))
    {
        lease_plan_pend(plan, NULL);
    }

    lease_plan_open(plan, new);
    lease_tick(plan);

    return LEASE_DONE;
}


/* the last declaration of a lease that has ended, or NULL */
static const char *
lease_find_ended(lease_plan_t *plan, const lease_request_t *request,
    int64_t *ends_at)
{
    size_t         i;
    char          *end;
    lease_step_t  *step;

    if (request->ended != NULL) {
        *ends_at = strtoll(request->ended, &end, 10);
        return *end == ' ' ? end + 1 : end;
    }

    for (i = 0; i < plan->nsteps; i++) {
        step = &plan->steps[i];

        if (step->type == LEASE_ARCHIVE
            && strcmp(step->lease->body.lease_id, request->body->lease_id)
               == 0)
        {
            *ends_at = step->ends_at;
            return step->lease->json;
        }
    }

    return NULL;
}


static int
lease_has_id(const state_lease_t *lease, const char *lease_id)
{
    return lease != NULL && strcmp(lease->body.lease_id, lease_id) == 0;
}


/* sets the state of the declared lease; 0 if there is no such lease */
static int
lease_report(lease_plan_t *plan, const lease_request_t *request)
{
    const char     *id = request->body->lease_id;
    const state_t  *next = &plan->next;

    if (lease_has_id(next->active, id)) {
        plan->state = "active";
        plan->ends_at = next->active->ends_at;
        return 1;
    }

    if (lease_has_id(next->pending, id)) {
        plan->state = "pending";
        plan->ends_at = next->pending->ends_at;
        return 1;
    }

    plan->state = "ended";
    return lease_find_ended(plan, request, &plan->ends_at) != NULL;
}


/*
 * "MS-SEQ" of two requests: 1 if a was queued no later than b.  Then a has its
 * verdict already, or applying it now would undo a later declaration.
 */
static int
lease_is_overtaken(const char *a, const char *b)
{
    unsigned long long  ams, bms, aseq, bseq;

    if (sscanf(a, "%llu-%llu", &ams, &aseq) != 2
        || sscanf(b, "%llu-%llu", &bms, &bseq) != 2)
    {
        return 0;
    }

    return ams < bms || (ams == bms && aseq <= bseq);
}


static lease_result_e
lease_declare(lease_plan_t *plan, const lease_request_t *request)
{
    int64_t          ends_at;
    const char      *ended;
    lease_result_e   result;
    state_lease_t   *new;

    if (lease_is_overtaken(request->request, plan->next.request)) {
        return lease_report(plan, request) ? LEASE_DONE : LEASE_CONFLICT;
    }

    new = state_lease_create(request->body);
    if (new == NULL) {
        return LEASE_NO_MEMORY;
    }

    if (lease_has_id(plan->next.active, request->body->lease_id)) {
        result = lease_change(plan, new);

    } else {
        ended = lease_find_ended(plan, request, &ends_at);

        if (ended != NULL) {
            result = strcmp(ended, new->json) == 0 ? LEASE_DONE : LEASE_ENDED;
            state_lease_free(new);

        } else {
            result = lease_add(plan, new);
        }
    }

    if (result == LEASE_DONE) {
        (void) lease_report(plan, request);
        (void) snprintf(plan->next.request, sizeof(plan->next.request), "%s",
                        request->request);
    }

    return result;
}


lease_result_e
lease_decide(lease_plan_t *plan, const state_t *state,
    const lease_request_t *request, int64_t now)
{
    lease_result_e  result;

    memset(plan, 0, sizeof(lease_plan_t));

    plan->now = now;
    plan->at = now > state->at ? now : state->at;

    if (state_copy(&plan->next, state) == -1) {
        memset(&plan->next, 0, sizeof(state_t));
        return LEASE_NO_MEMORY;
    }

    lease_tick(plan);

    result = LEASE_DONE;

    if (request->body != NULL && !plan->failed) {
        result = lease_declare(plan, request);
    }

    return plan->failed ? LEASE_NO_MEMORY : result;
}
