
/*
 * A batch of requests, and the Redis replies that its jobs point into.
 * Initialize it with BATCH_INIT.
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


/* appends a zeroed job and returns it; NULL: out of memory */
job_t *batch_add(batch_t *batch);

/*
 * Takes ownership of a reply: 0, or -1 if out of memory, with the reply
 * freed.
 */
int batch_add_reply(batch_t *batch, redisReply *reply);

/* frees the replies and the list; call dispatch_end() on the jobs first */
void batch_free(batch_t *batch);


#endif /* BATCH_H */
