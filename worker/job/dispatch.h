
/*
 * Works on a batch of requests until each has its answer, then renews the
 * inboxes, sets due times, and tells nginx; whoever repeats it after a crash
 * finds out from the request alone what is missing.
 */


#ifndef DISPATCH_H
#define DISPATCH_H


#include "job.h"


typedef enum {
    DISPATCH_DONE = 0,             /* each job is settled or kept */
    DISPATCH_REFUSED,              /* Redis can't for now: call again later */
    DISPATCH_NO_LIBRARY,           /* the same, after loading it */
    DISPATCH_LOST                  /* the connection; the batch is given up */
} dispatch_result_e;


/*
 * Each job has op, property and what came with the request.  A job is to be
 * acknowledged if dispatch_accepted() says so afterwards.
 */
dispatch_result_e dispatch_run(work_t *work, job_t *jobs, size_t n);

/* what a reply about that property means; one that fails for good is logged */
dispatch_result_e dispatch_error(const redisReply *reply,
    const property_t *property);

int dispatch_accepted(const job_t *job);

/* ends a batch, whatever came of it; frees what its jobs hold */
void dispatch_end(work_t *work, job_t *jobs, size_t n);


#endif /* DISPATCH_H */
