
/*
 * Publishes the results of a batch: inboxes, due times, verdicts for nginx.
 */


#ifndef JOB_PUBLISH_H
#define JOB_PUBLISH_H


#include "job.h"


/*
 * Prepares what is published of jobs that are done or deferred.  After
 * WORK_REFUSED and WORK_NO_LIBRARY call it again: what is done is not repeated.
 */
work_result_e job_publish_prepare(work_t *work, job_t *jobs, size_t n);

/*
 * Queues inboxes and verdicts.  Returns the number of verdicts' commands, which
 * job_publish_recv() needs, or -1 if the connection is lost.
 */
long job_publish_send(work_t *work, job_t *jobs, size_t n);

/*
 * Receives the replies to what job_publish_send() queued.  After WORK_REFUSED
 * and WORK_NO_LIBRARY both are to be called again.
 */
work_result_e job_publish_recv(work_t *work, long verdicts);


#endif /* JOB_PUBLISH_H */
