
/*
 * Decides how a declaration, or the time, changes the leases of a property.
 *
 * This uses neither Redis nor the clock.  It makes a plan (lease_plan.h) from
 * a state; the plan is committed only if the property still has that state.
 */


#ifndef LEASE_H
#define LEASE_H


#include <stddef.h>
#include <stdint.h>

#include "lease_plan.h"


typedef struct {
    const body_lease_t  *body;     /* NULL for what is due only */
    const char          *request;  /* its id in the queue */
    /* lease_plan_ended_encode() of this id; NULL if not ended */
    const char          *ended;
    size_t               ended_len;
} lease_request_t;


typedef enum {
    LEASE_DONE = 0,                /* declared now or before */
    LEASE_CONFLICT,                /* with another lease */
    LEASE_ENDED,                   /* it has ended and differs */
    LEASE_STARTED,                 /* its starts_at cannot change */
    LEASE_NO_MEMORY
} lease_result_e;


/*
 * Makes a plan, to be freed by lease_plan_free() whatever the result: first
 * what is due by "now", which is to be committed even if the declaration is
 * refused, then the declaration.
 */
lease_result_e lease_decide(lease_plan_t *plan, const state_t *state,
    const lease_request_t *request, int64_t now);


#endif /* LEASE_H */
