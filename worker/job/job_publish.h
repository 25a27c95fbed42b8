
/*
 * Publishes the results of a batch: inboxes, due times, verdicts for nginx.
 */


#ifndef JOB_PUBLISH_H
#define JOB_PUBLISH_H


#include "job.h"


/*
 * Publishes the results of jobs that are done or deferred.  After WORK_REFUSED
 * and WORK_NO_LIBRARY call it again: what is done is not repeated.
 */
work_result_e job_publish_run(work_t *work, job_t *jobs, size_t n);


#endif /* JOB_PUBLISH_H */
