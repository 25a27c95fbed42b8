
/*
 * Waits until replicas have received what a batch wrote, before its verdicts:
 * https://redis.io/docs/latest/commands/wait/
 */


#ifndef REPLICAS_H
#define REPLICAS_H


#include "job.h"


/* Sets how many replicas are wanted (0: none), and for how long to wait. */
void replicas_init(replicas_t *replicas, unsigned n, unsigned ms);

/*
 * Returns 1 if a job of the batch has succeeded and may have written nothing,
 * as it repeats what was done before.  Something has to be written then before
 * replicas_wait().
 */
int replicas_need_write(const work_t *work, const job_t *jobs, size_t n);

/*
 * Waits for the replicas if a job of the batch has succeeded.  If too few of
 * them answer in time, the verdicts of these jobs are dropped: nginx answers
 * 202, and a repetition of the request waits again.  No reply may be
 * outstanding.  Returns WORK_DONE or WORK_LOST.
 */
work_result_e replicas_wait(work_t *work, job_t *jobs, size_t n);


#endif /* REPLICAS_H */
