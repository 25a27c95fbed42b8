
/*
 * A batch of requests, and the replies from Redis that its jobs point into.
 * Starts as BATCH_INIT.
 */


#ifndef BATCH_H
#define BATCH_H


#include <stddef.h>

#include "job.h"


typedef struct {
    job_t        *jobs;
    size_t        n;
    size_t        size;
    redisReply  **replies;
    size_t        nreplies;
} batch_t;


#define BATCH_INIT  { NULL, 0, 0, NULL, 0 }


/* a job at the end of the batch, all zero; NULL: no memory */
job_t *batch_add(batch_t *batch);

/* the batch takes the reply over: 0, or -1 and it is freed */
int batch_hold(batch_t *batch, redisReply *reply);

/* frees replies and list; the jobs were ended by dispatch_end() */
void batch_free(batch_t *batch);


#endif /* BATCH_H */
