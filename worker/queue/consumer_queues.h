
/*
 * Which queues a consumer reads.
 *
 * Each function returns 0, or -1 if the connection is lost or Redis refuses
 * the command; conn_alive() tells which.
 */


#ifndef CONSUMER_QUEUES_H
#define CONSUMER_QUEUES_H


#include "consumer.h"


/* creates missing streams and consumer groups of the queues that are read */
int consumer_queues_create(consumer_t *consumer);

/* looks for other queues in Redis, and reads those from now on too */
int consumer_queues_find(consumer_t *consumer);

/* reads the first n queues from now on, besides those that are read already */
int consumer_queues_widen(consumer_t *consumer, unsigned n);

/*
 * Deletes consumers that have been idle for long and have nothing pending from
 * the groups: those of workers that were killed.
 */
int consumer_queues_sweep(consumer_t *consumer);


#endif /* CONSUMER_QUEUES_H */
