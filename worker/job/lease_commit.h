
/*
 * Carries out a plan about a property's leases (lease.h): what fell due, and
 * what a request declares.  These functions know nothing of verdicts, and
 * their result is of another type than a job's: what came of a tick can't be
 * taken for the answer to the request that it went before.
 */


#ifndef LEASE_COMMIT_H
#define LEASE_COMMIT_H


#include "job.h"


typedef enum {
    COMMIT_SENT = 0,               /* a command was queued, a reply follows */
    COMMIT_DONE,                   /* nothing more is to be committed */
    COMMIT_KEPT,                   /* given up for now */
    COMMIT_LOST                    /* the connection is */
} commit_step_e;


/*
 * Begins the next step; body: what is declared, or NULL for the clock alone.
 * When it is done, job->commit has the plan and its result, and the property's
 * state is what the plan led to.
 */
commit_step_e lease_commit_begin(work_t *work, job_t *job,
    const body_lease_t *body);

/*
 * Takes the reply to that step.  COMMIT_SENT here: there is another step, for
 * the next round.
 */
commit_step_e lease_commit_finish(work_t *work, job_t *job,
    const redisReply *reply);

/* frees what the job holds of it, which may begin anew then */
void lease_commit_free(job_commit_t *commit);


#endif /* LEASE_COMMIT_H */
