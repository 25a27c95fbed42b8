
/*
 * Counts the messages of a range of a thread.  Whoever needs such a count uses
 * these functions: unread messages are kept by counters, and only read marks in
 * the middle of a thread and "unread rebuild" count entries.
 */


#ifndef STORE_COUNT_H
#define STORE_COUNT_H


#include "store.h"


/*
 * Returns the last entry that the next command can count, if the entries after
 * "after" up to "last" are to be counted.
 */
uint64_t store_count_step(uint64_t after, uint64_t last);

/* ll1_count: queues the command for the entries after "after" up to "to" */
int store_count(store_t *store, const property_t *property, uint64_t after,
    uint64_t to);

/*
 * Reads a reply of ll1_count: the number of messages, and of those of the user.
 * Returns 0, or -1 if it is malformed.
 */
int store_count_read(const redisReply *reply, const char *user,
    long long *messages, long long *own);


#endif /* STORE_COUNT_H */
