
/*
 * A tick opens and closes leases that are due.  It is a job of its own, or the
 * first steps of a message whose property is found to be due.
 */


#ifndef TICK_H
#define TICK_H


#include "lease_commit.h"


/* as message_begin() and message_finish(), for a job that is a tick */
job_step_e tick_begin(work_t *work, job_t *job);
job_step_e tick_finish(work_t *work, job_t *job, const redisReply *reply);

/* 1 if a tick is due before the message, or is running */
int tick_is_due(const work_t *work, const job_t *job);

/*
 * A tick before a message: while tick_is_due() returns 1, these run in place of
 * the steps of the message.  After COMMIT_DONE the message begins.
 */
commit_step_e tick_before_begin(work_t *work, job_t *job);
commit_step_e tick_before_finish(work_t *work, job_t *job,
    const redisReply *reply);


#endif /* TICK_H */
