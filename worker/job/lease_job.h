
/*
 * Declaring a lease, PUT …/lease.
 */


#ifndef LEASE_JOB_H
#define LEASE_JOB_H


#include "job.h"


/* as message_begin() and message_finish() */
job_step_e lease_job_begin(work_t *work, job_t *job);
job_step_e lease_job_finish(work_t *work, job_t *job, const redisReply *reply);

/* frees what it owns */
void lease_job_free(job_lease_t *lease);


#endif /* LEASE_JOB_H */
