
/*
 * What is to be done about a property's leases: the steps to take, in order,
 * and the state that they lead to.  Adding a step also changes plan->next;
 * where memory is short, plan->failed is set.  The rules by which steps are
 * chosen are in lease.c.
 */


#ifndef LEASE_PLAN_H
#define LEASE_PLAN_H


#include <stddef.h>
#include <stdint.h>

#include "body_lease.h"
#include "entry.h"
#include "state.h"


typedef enum {
    LEASE_EVENT = 0,               /* write an entry */
    LEASE_SNAP,                    /* keep what windows closed by it show */
    LEASE_OPEN,                    /* a party's window opens */
    LEASE_CLOSE,                   /* a party's window closes */
    LEASE_PEND,                    /* a party of the pending lease */
    LEASE_UNPEND,                  /* no longer one */
    LEASE_ARCHIVE                  /* keep the declaration of an ended lease */
} lease_step_e;


/* unread messages of a window that opens */

typedef enum {
    LEASE_KEEP = 0,                /* it goes on: as they are */
    LEASE_ZERO,                    /* it starts at the present end */
    LEASE_RECOUNT                  /* it reaches back */
} lease_unread_e;


typedef struct {
    lease_step_e         type;
    state_lease_t       *lease;    /* counted */
    const body_party_t  *party;    /* in lease; NULL for opened, ended and the
                                      steps about the lease as a whole */
    entry_event_e        event;    /* EVENT */
    uint64_t             seq;      /* EVENT: its number; SNAP, CLOSE: of the
                                      entry that closes */
    uint64_t             from;     /* OPEN, CLOSE: where the window starts */
    lease_unread_e       unread;   /* OPEN */
    int64_t              ends_at;  /* SNAP, OVER: as is shown */
    uint64_t             gone;     /* SNAP: parties not shown, one bit each in
                                      the order of the lease's parties */
} lease_step_t;


typedef struct {
    lease_step_t   *steps;
    size_t          nsteps;
    size_t          size;

    state_t         next;          /* hash, rev and ver as they were */
    int             changed;       /* 0: nothing to commit */
    int             failed;        /* memory was short */

    int64_t         now;
    int64_t         at;            /* of all entries; never goes back */

    const char     *shown;         /* LEASE_DONE: state of the declared lease */
    int64_t         ends_at;       /* and its end, as is shown */
} lease_plan_t;


/* an entry about that lease, and that party if not NULL: its number */
uint64_t lease_plan_event(lease_plan_t *plan, entry_event_e event,
    state_lease_t *lease, const body_party_t *party);

/*
 * keeps what windows show that entry seq closes: the lease, shown as ended at
 * that time, without the parties whose bits are set in gone
 */
void lease_plan_snap(lease_plan_t *plan, state_lease_t *lease, uint64_t seq,
    int64_t ends_at, uint64_t gone);

/* the window of the lease's party i */
void lease_plan_window_open(lease_plan_t *plan, state_lease_t *lease, size_t i,
    uint64_t from, lease_unread_e unread);
void lease_plan_window_close(lease_plan_t *plan, state_lease_t *lease, size_t i,
    uint64_t seq);

/* makes lease, whose reference is taken over, the active one */
void lease_plan_open(lease_plan_t *plan, state_lease_t *lease);

/* the active lease is over, and shown as ended at that time */
void lease_plan_end(lease_plan_t *plan, int64_t ends_at);

/*
 * makes lease, whose reference is taken over, the pending one instead of what
 * was; NULL for none
 */
void lease_plan_pend(lease_plan_t *plan, state_lease_t *lease);

/* frees what the plan holds, not the plan; harmless for a zeroed one */
void lease_plan_free(lease_plan_t *plan);

/* "ENDS JSON": what is kept of an ended lease */
void lease_plan_ended_encode(buf_t *buf, const state_lease_t *lease,
    int64_t ends_at);


#endif /* LEASE_PLAN_H */
