
/*
 * What becomes of a property's leases: by a declaration, or by the clock.
 *
 * Nothing here touches Redis, or the clock.  A plan is made from the present
 * state: the steps to take, in order, and the state that they lead to.  Who
 * commits it (commit.h) does so only if the property is still as it was.
 */


#ifndef LEASE_H
#define LEASE_H


#include <stddef.h>
#include <stdint.h>

#include "body.h"
#include "entry.h"
#include "state.h"


typedef enum {
    LEASE_EVENT = 0,               /* write an entry */
    LEASE_SNAP,                    /* keep what windows closed by it show */
    LEASE_OPEN,                    /* a party's window opens */
    LEASE_CLOSE,                   /* a party's window closes */
    LEASE_PEND,                    /* a party of the pending lease */
    LEASE_UNPEND,                  /* no longer one */
    LEASE_OVER                     /* keep the declaration of an ended lease */
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
    const body_lease_t  *body;     /* NULL: only the clock */
    const char          *request;  /* its place in the queue */
    const char          *over;     /* of this lease id, if it has ended: what
                                      lease_over_encode() wrote, else NULL */
    size_t               over_len;
} lease_request_t;


typedef enum {
    LEASE_DONE = 0,                /* declared, now or before */
    LEASE_IN_THE_WAY,              /* another lease is */
    LEASE_ENDED,                   /* it has, and was declared otherwise */
    LEASE_STARTED,                 /* its starts_at can't move */
    LEASE_NO_MEMORY
} lease_result_e;


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


/*
 * Makes the plan, to be freed whatever the result: what fell due by now comes
 * first, and is to be committed even if the declaration is refused.
 */
lease_result_e lease_plan(lease_plan_t *plan, const state_t *state,
    const lease_request_t *request, int64_t now);

void lease_plan_free(lease_plan_t *plan);

/* "ENDS JSON": what is kept of an ended lease */
void lease_over_encode(buf_t *buf, const state_lease_t *lease,
    int64_t ends_at);


#endif /* LEASE_H */
