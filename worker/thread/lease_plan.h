
/*
 * The steps of a plan, each of which also changes plan->next; for lease.c,
 * which has the rules.  Where memory is short, plan->failed is set.
 */


#ifndef LEASE_STEP_H
#define LEASE_STEP_H


#include "lease.h"


/* an entry about that lease, and that party if not NULL: its number */
uint64_t lease_event(lease_plan_t *plan, entry_event_e event,
    state_lease_t *lease, const body_party_t *party);

/*
 * keeps what windows show that entry seq closes: the lease, shown as ended at
 * that time, without the parties whose bits are set in gone
 */
void lease_snap(lease_plan_t *plan, state_lease_t *lease, uint64_t seq,
    int64_t ends_at, uint64_t gone);

/* the window of the lease's party i */
void lease_window_open(lease_plan_t *plan, state_lease_t *lease, size_t i,
    uint64_t from, lease_unread_e unread);
void lease_window_close(lease_plan_t *plan, state_lease_t *lease, size_t i,
    uint64_t seq);

/* makes lease, whose reference is taken over, the active one */
void lease_open(lease_plan_t *plan, state_lease_t *lease);

/* the active lease is over, and shown as ended at that time */
void lease_end(lease_plan_t *plan, int64_t ends_at);

/*
 * makes lease, whose reference is taken over, the pending one instead of what
 * was; NULL for none
 */
void lease_pend(lease_plan_t *plan, state_lease_t *lease);


#endif /* LEASE_STEP_H */
