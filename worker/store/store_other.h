
/*
 * What is under the names of the other kind of Redis (ll_keys_other_*): in a
 * cluster those of a single server, else those beside queue k of a cluster.
 */


#ifndef STORE_OTHER_H
#define STORE_OTHER_H


#include "store.h"


/* The first "limit" properties of a due list, with their times. */
int store_other_due_list(store_t *store, unsigned k, unsigned limit);

/*
 * The versions of the due times in such a list, [property, time, ...], of at
 * least one property.
 */
int store_other_due_vers(store_t *store, unsigned k, const redisReply *list);

/* Removes a property from a due list, unless its version is a later one. */
int store_other_due_drop(store_t *store, unsigned k, const char *property,
    long long rev);

/* Gets or deletes the version of the layout. */
int store_other_layout(store_t *store, unsigned k);
int store_other_layout_drop(store_t *store, unsigned k);

/*
 * Without a cluster: has a property ticked at once, for a debt beside queue k
 * (store_owed.h), which store_owed_settle() then deletes.
 */
int store_other_owed(store_t *store, const char *property);


#endif /* STORE_OTHER_H */
