
/*
 * A batch owns its list of jobs and the Redis replies that the jobs point
 * into.  What a job itself allocates is freed by dispatch_end().
 */

#include <stdlib.h>
#include <string.h>

#include "batch.h"


job_t *
batch_add(batch_t *batch)
{
    void    *p;
    size_t   size;

    if (batch->n == batch->size) {
        size = batch->size ? batch->size * 2 : 32;

        p = realloc(batch->jobs, size * sizeof(job_t));
        if (p == NULL) {
            return NULL;
        }

        batch->jobs = p;
        batch->size = size;
    }

    memset(&batch->jobs[batch->n], 0, sizeof(job_t));

    return &batch->jobs[batch->n++];
}


void
batch_free(batch_t *batch)
{
    size_t  i;

    for (i = 0; i < batch->nreplies; i++) {
        freeReplyObject(batch->replies[i]);
    }

    free(batch->replies);
    free(batch->jobs);

    memset(batch, 0, sizeof(batch_t));
}


int
batch_add_reply(batch_t *batch, redisReply *reply)
{
    void  *p;

    p = realloc(batch->replies,
                (batch->nreplies + 1) * sizeof(redisReply *));
    if (p == NULL) {
        freeReplyObject(reply);
        return -1;
    }

    batch->replies = p;
    batch->replies[batch->nreplies++] = reply;

    return 0;
}
