
/*
 * Requests that were delivered before and not acknowledged.
 *
 * Each function returns 0, or -1 if the connection is lost or Redis refuses
 * the command; conn_alive() tells which.
 */


#ifndef CLAIM_H
#define CLAIM_H


#include "consumer.h"


/*
 * Adds the requests that are pending for this consumer to the batch.  crashed
 * is 1 if the process has restarted: that counts as another delivery, of which
 * there may be CONSUMER_DELIVERIES; a lost connection does not count.
 */
int claim_recover(consumer_t *consumer, batch_t *batch, int crashed);

/* claims requests of any consumer that have been pending for claim_ms */
int claim_stale(consumer_t *consumer, batch_t *batch);

/*
 * Resets the idle time of the requests of a batch, so that no other worker
 * claims them; the number of deliveries does not change.
 */
int claim_renew(consumer_t *consumer, const batch_t *batch);


#endif /* CLAIM_H */
