
/*
 * Runs a batch of jobs, until nothing is left but to publish their results
 * (job_publish.h).  A batch that is repeated after a crash does only what is
 * missing.
 *
 * The commands of the first round can be sent together with those of another
 * batch that is published: dispatch_start() queues them.  When all that was
 * queued before is received, dispatch_recv() or dispatch_drop() follows.
 */


#ifndef DISPATCH_H
#define DISPATCH_H


#include "job.h"


/*
 * Queues the first commands of the jobs, of which op, property and the
 * request's fields are set.  It changes nothing that another batch notes about
 * a property until that is published.  0, or -1 if the connection is lost.
 */
int dispatch_start(work_t *work, job_t *jobs, size_t n);

/* receives the replies to the commands that dispatch_start() queued */
work_result_e dispatch_recv(work_t *work, job_t *jobs, size_t n);

/*
 * Receives and ignores them: WORK_DONE or WORK_LOST.  The jobs begin again, as
 * after a crash.
 */
work_result_e dispatch_drop(work_t *work, job_t *jobs, size_t n);

/*
 * Runs the jobs, or what is left of them after dispatch_recv().  WORK_DONE:
 * each job is done or deferred; job_accepted() tells which to acknowledge.
 * After WORK_REFUSED and WORK_NO_LIBRARY call it again: what is done is not
 * repeated.
 */
work_result_e dispatch_run(work_t *work, job_t *jobs, size_t n);

/* ends a batch, whatever its result; frees what its jobs own */
void dispatch_end(work_t *work, job_t *jobs, size_t n);


#endif /* DISPATCH_H */
