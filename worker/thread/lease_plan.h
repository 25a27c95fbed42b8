
/*
 * A plan: the steps that change the leases of a property, in order, and the
 * state that they lead to.  Adding a step also changes plan->next; plan->failed
 * is set if memory is short.  lease.c has the rules that choose the steps.
 */


#ifndef LEASE_PLAN_H
#define LEASE_PLAN_H


#include <stddef.h>
#include <stdint.h>

#include "body_lease.h"
#include "entry.h"
#include "state.h"


typedef enum {
    LEASE_EVENT = 0,               /* append an entry */
    LEASE_SNAP,                    /* store the view of windows that close */
    LEASE_OPEN,                    /* open a party's window */
    LEASE_CLOSE,                   /* close a party's window */
    LEASE_PEND,                    /* add a party of the pending lease */
    LEASE_UNPEND,                  /* remove one */
    LEASE_ARCHIVE                  /* store the declaration of an ended lease */
} lease_step_e;


typedef struct {
    lease_step_e         type;
    state_lease_t       *lease;    /* a reference */
    const body_party_t  *party;    /* in lease; NULL for opened, ended and
                                      steps of the lease as a whole */
    entry_event_e        event;    /* EVENT */
    uint64_t             seq;      /* EVENT: of the entry; SNAP, CLOSE: of the
                                      entry that closes the windows */
    uint64_t             from;     /* OPEN, CLOSE: start of the window */
    int64_t              ends_at;  /* SNAP, ARCHIVE: end to be shown */
    uint64_t             departed; /* SNAP: parties not shown, one bit each in
                                      the order of the lease's parties */
} lease_step_t;


typedef struct {
    lease_step_t   *steps;
    size_t          nsteps;
    size_t          size;

    state_t         next;          /* hash, rev and ver are unchanged */
    int             changed;       /* 0 if there is nothing to commit */
    int             failed;        /* memory was short */

    int64_t         now;
    int64_t         at;            /* of all entries; never decreases */

    const char     *state;         /* LEASE_DONE: state of the declared lease */
    int64_t         ends_at;       /* its end, to be shown */
} lease_plan_t;


/*
 * Adds an entry about the lease and, if not NULL, the party.  Returns its
 * number.
 */
uint64_t lease_plan_event(lease_plan_t *plan, entry_event_e event,
    state_lease_t *lease, const body_party_t *party);

/*
 * Stores the view of the windows that entry seq closes: the lease, shown as
 * ended at that time, without the parties whose bits are set in departed.
 */
void lease_plan_snap(lease_plan_t *plan, state_lease_t *lease, uint64_t seq,
    int64_t ends_at, uint64_t departed);

/* Open and close the window of the lease's party i. */
void lease_plan_window_open(lease_plan_t *plan, state_lease_t *lease, size_t i,
    uint64_t from);
void lease_plan_window_close(lease_plan_t *plan, state_lease_t *lease, size_t i,
    uint64_t seq);

/* Makes the lease the active one; takes over the reference. */
void lease_plan_open(lease_plan_t *plan, state_lease_t *lease);

/* Ends the active lease, shown as ended at that time. */
void lease_plan_end(lease_plan_t *plan, int64_t ends_at);

/*
 * Replaces the pending lease, by none if lease is NULL; takes over the
 * reference.
 */
void lease_plan_pend(lease_plan_t *plan, state_lease_t *lease);

/* Frees what the plan owns, and clears it. */
void lease_plan_free(lease_plan_t *plan);

/* Appends "ENDS JSON", the stored form of an ended lease. */
void lease_plan_ended_encode(buf_t *buf, const state_lease_t *lease,
    int64_t ends_at);


#endif /* LEASE_PLAN_H */
