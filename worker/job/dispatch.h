
/*
 * Runs a batch of jobs: first each job itself, then inboxes, due times and
 * verdicts.  A batch that is repeated after a crash does only what is missing.
 */


#ifndef DISPATCH_H
#define DISPATCH_H


#include "job.h"


/*
 * Runs the jobs, of which op, property and the request's fields are set.
 * WORK_DONE: each job is done or deferred; job_accepted() tells which to
 * acknowledge.  After WORK_REFUSED and WORK_NO_LIBRARY call it again: what is
 * done is not repeated.
 */
work_result_e dispatch_run(work_t *work, job_t *jobs, size_t n);

/* ends a batch, whatever its result; frees what its jobs own */
void dispatch_end(work_t *work, job_t *jobs, size_t n);


#endif /* DISPATCH_H */
