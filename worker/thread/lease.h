
/*
 * What becomes of a property's leases: by a declaration, or by the clock.
 *
 * Nothing here touches Redis, or the clock.  A plan (lease_plan.h) is made
 * from the present state.  Who commits it does so only if the property is
 * still as it was.
 */


#ifndef LEASE_H
#define LEASE_H


#include <stddef.h>
#include <stdint.h>

#include "lease_plan.h"


typedef struct {
    const body_lease_t  *body;     /* NULL: only the clock */
    const char          *request;  /* its place in the queue */
    /* what lease_plan_ended_encode() wrote of this id; NULL: not ended */
    const char          *ended;
    size_t               ended_len;
} lease_request_t;


typedef enum {
    LEASE_DONE = 0,                /* declared, now or before */
    LEASE_IN_THE_WAY,              /* another lease is */
    LEASE_ENDED,                   /* it has, and was declared otherwise */
    LEASE_STARTED,                 /* its starts_at can't move */
    LEASE_NO_MEMORY
} lease_result_e;


/*
 * Makes the plan, to be freed whatever the result: what fell due by now comes
 * first, and is to be committed even if the declaration is refused.
 */
lease_result_e lease_decide(lease_plan_t *plan, const state_t *state,
    const lease_request_t *request, int64_t now);


#endif /* LEASE_H */
