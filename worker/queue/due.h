
/*
 * Leases that are due.
 */


#ifndef DUE_H
#define DUE_H


#include "batch.h"


/*
 * Adds a tick to the batch for each of the first "limit" properties of the due
 * list that are due, and sets *next to the time of the first that is not, or to
 * CLOCK_NEVER.  Leaves both as they are if Redis does not answer.
 */
void due_read(work_t *work, batch_t *batch, unsigned limit, int64_t *next);


#endif /* DUE_H */
