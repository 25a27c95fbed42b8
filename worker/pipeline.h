
/*
 * Processes batches one after the other.  The last step of a batch, to publish
 * its results, is sent together with the first commands of the next batch, and
 * with the read of the one after that, so that a busy worker makes one round
 * trip to Redis for each batch.
 */


#ifndef PIPELINE_H
#define PIPELINE_H


#include "consumer.h"
#include "dispatch.h"


typedef struct {
    work_t      *work;
    consumer_t  *consumer;
    batch_t      open;             /* only to be published; may be empty */
    batch_t      next;             /* to be run; may be empty */

    int        (*on_read)(void *data, int block);
                                   /* may queue the next read, which blocks if
                                      block is 1: 0, or -1 if the connection
                                      is lost */
    void        *on_read_data;
} pipeline_t;


/*
 * Processes a batch and takes over its contents; it may be empty.  If requests
 * were read meanwhile (consumer_prefetched()), the batch is left open: call it
 * again with them.  Otherwise it is published.  After WORK_REFUSED and
 * WORK_NO_LIBRARY call pipeline_retry(), after WORK_LOST pipeline_drop().
 */
work_result_e pipeline_run(pipeline_t *pipeline, batch_t *batch);

/* goes on after a refusal: what is done is not repeated */
work_result_e pipeline_retry(pipeline_t *pipeline);

/* keeps others from claiming the requests of the batches: 0, or -1 */
int pipeline_renew(pipeline_t *pipeline);

/* drops all batches.  Their requests stay pending. */
void pipeline_drop(pipeline_t *pipeline);


#endif /* PIPELINE_H */
