
/* The commit of a lease plan. */


#ifndef STORE_LEASE_H
#define STORE_LEASE_H


#include "lease_plan.h"
#include "store.h"


/*
 * Queues ll1_lease, which commits a plan that was made from the head and rev
 * of property->state.  Sets hash and rev of plan->next.  Returns 0, or -1 if
 * the command cannot be queued.
 */
int store_lease(store_t *store, const property_t *property,
    lease_plan_t *plan);


#endif /* STORE_LEASE_H */
