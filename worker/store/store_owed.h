
/*
 * Debts, in a cluster only: inboxes and due times that could not be written
 * because their primary did not answer.  They are beside a queue, on the
 * primary of the worker's process.  A debt is "PROPERTY USER", an inbox, or
 * "PROPERTY", all inboxes and the due time; each has a score that is new
 * whenever it is added.
 */


#ifndef STORE_OWED_H
#define STORE_OWED_H


#include "store.h"


/* ll1_owe, which adds the debts in list, each with its zero byte */
int store_owed_add(store_t *store, unsigned k, const buf_t *list);

/* The next "limit" debts after a score, with their scores. */
int store_owed_list(store_t *store, unsigned k, long long after,
    unsigned limit);

/* ll1_settle of one debt that was seen with that score */
int store_owed_settle(store_t *store, unsigned k, const char *debt,
    long long score);


#endif /* STORE_OWED_H */
