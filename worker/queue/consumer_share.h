
/*
 * Which of the known queues a consumer reads: its share.  The queues are dealt
 * out to the workers that have a heartbeat.  Those of other workers are
 * watched, and read too while nobody takes requests off them.
 */


#ifndef CONSUMER_SHARE_H
#define CONSUMER_SHARE_H


#include "consumer.h"


/*
 * Deals out the queues: this worker is number place, from 0, of so many; 0: it
 * reads all queues.
 */
void consumer_share_deal(consumer_t *consumer, unsigned place,
    unsigned workers);

/*
 * Returns how long to wait before consumer_share_watch(), in ms, 0 if it is
 * due, or -1 if all queues are this worker's.
 */
int64_t consumer_share_wait(const consumer_t *consumer);

/*
 * Looks at the queues of other workers, if that is due: 0, or -1 if the
 * connection is lost or Redis refuses the command.
 */
int consumer_share_watch(consumer_t *consumer);


#endif /* CONSUMER_SHARE_H */
