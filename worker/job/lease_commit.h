
/*
 * Commits a plan for the leases of a property (lease.h): what is due, and what
 * a request declares.  The result has a type of its own, so that the result of
 * a tick can't be taken for that of the request that it precedes.
 */


#ifndef LEASE_COMMIT_H
#define LEASE_COMMIT_H


#include "job.h"


typedef enum {
    COMMIT_SENT = 0,               /* as JOB_SENT */
    COMMIT_DONE,                   /* committed, or nothing to commit */
    COMMIT_DEFERRED,                   /* as JOB_DEFERRED */
    COMMIT_LOST                    /* the connection is lost */
} commit_step_e;


/*
 * Begins the next step.  body: the declaration, or NULL for what is due only.
 * After COMMIT_DONE job->commit has the plan and its result, and the property
 * has the new state.
 */
commit_step_e lease_commit_begin(work_t *work, job_t *job,
    const body_lease_t *body);

/* handles the reply; COMMIT_SENT: another step follows in the next round */
commit_step_e lease_commit_finish(work_t *work, job_t *job,
    const redisReply *reply);

/* frees what it owns; lease_commit_begin() may start again afterwards */
void lease_commit_free(job_commit_t *commit);


#endif /* LEASE_COMMIT_H */
