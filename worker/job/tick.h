
/*
 * What falls due: leases open and close by the clock, in a job of its own that
 * nobody waits for, or as the first part of a request that finds it so.
 */


#ifndef TICK_H
#define TICK_H


#include "lease_commit.h"


/* as message_begin() and message_finish(), of a job that is no request */
job_step_e tick_begin(work_t *work, job_t *job);
job_step_e tick_finish(work_t *work, job_t *job, const redisReply *reply);

/*
 * The same before a request.  While tick_is_due(), the request begins the
 * steps of the tick, and hands them their replies, in place of its own.  From
 * COMMIT_DONE on it is not due any more, and the request is looked at as if it
 * had just come.
 */
int tick_is_due(const work_t *work, const job_t *job);
commit_step_e tick_before_begin(work_t *work, job_t *job);
commit_step_e tick_before_finish(work_t *work, job_t *job,
    const redisReply *reply);


#endif /* TICK_H */
