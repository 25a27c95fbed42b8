
/*
 * Debts that a batch makes, in a cluster (store_owed.h), and those that it
 * pays.  A debt is paid by a tick of its property, which writes all inboxes and
 * the due time as they are now; newer ones are never overwritten.
 */


#ifndef DEBTS_H
#define DEBTS_H


#include "job.h"


/* size of a debt: two ids and a space */
#define DEBTS_LEN  (2 * LL_ID_MAX + 2)


/*
 * Notes that an inbox could not be written, or, with a NULL user, all inboxes
 * and the due time of a property.
 */
void debts_add(work_t *work, const property_t *property, const char *user);

/* Returns 1 if something was noted that is not stored. */
int debts_waiting(const work_t *work);

/* Stores what was noted: the result. */
work_result_e debts_store(work_t *work);

/*
 * Deletes the debts that jobs of the batch have paid: the result.  To be called
 * after debts_store(), which renews those that could not be paid.
 */
work_result_e debts_settle(work_t *work, job_t *jobs, size_t n);

/*
 * Returns 1 if the primary that a debt is owed to is expected to answer, 0 if
 * it is not, or -1 if this is no debt.  Copies the property to id.
 */
int debts_payable(work_t *work, const char *debt, char id[LL_ID_MAX + 1]);


#endif /* DEBTS_H */
