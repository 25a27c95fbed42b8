
/*
 * Which queues a consumer knows.
 *
 * Each function returns 0, or -1 if the connection is lost or Redis refuses
 * the command; conn_alive() tells which.
 */


#ifndef CONSUMER_QUEUES_H
#define CONSUMER_QUEUES_H


#include "consumer.h"


/* creates missing streams and consumer groups of the known queues */
int consumer_queues_create(consumer_t *consumer);

/* looks for other queues in Redis, which are known from now on */
int consumer_queues_find(consumer_t *consumer);

/* the first n queues are known from now on, besides those that are already */
int consumer_queues_widen(consumer_t *consumer, unsigned n);

/*
 * In a cluster: of own, the queues on the primary, home and those that have
 * requests are known from now on, and no others.  home is -1 if there is none.
 */
int consumer_queues_take(consumer_t *consumer, int home, uint64_t own);

/*
 * Deletes consumers that have been idle for long and have nothing pending from
 * the groups: those of workers that were killed.
 */
int consumer_queues_sweep(consumer_t *consumer);


#endif /* CONSUMER_QUEUES_H */
