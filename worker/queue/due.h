
/*
 * Leases that are due.
 */


#ifndef DUE_H
#define DUE_H


#include "batch.h"


/*
 * Adds a tick to the batch for each of the first "limit" properties of each due
 * list that are due.  The lists are those beside the queues, bit k for queue k;
 * without a cluster there is one, that of queue 0.  Sets *next to the time of
 * the first that is not due, 0 if there may be more, or CLOCK_NEVER.  Leaves it
 * as it is if Redis does not answer.
 */
void due_read(work_t *work, batch_t *batch, uint64_t queues, unsigned limit,
    int64_t *next);

/*
 * In a cluster: adds a tick for each debt (store_owed.h) that can be paid now,
 * of at most "limit" ones beside each queue that have scores after *after.
 * Sets *after to where to go on, or to 0 at the end of all lists.
 */
void due_read_debts(work_t *work, batch_t *batch, uint64_t queues,
    unsigned limit, long long *after);


#endif /* DUE_H */
