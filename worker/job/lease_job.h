
/*
 * Declaring a lease, PUT …/lease, and opening and closing by the clock.
 */


#ifndef DECLARE_H
#define DECLARE_H


#include "job.h"


/*
 * as message_begin() and message_finish(); a job without a declaration is a
 * tick, whatever its op
 */
job_step_e declare_begin(work_t *work, job_t *job);
job_step_e declare_finish(work_t *work, job_t *job, const redisReply *reply);

/* frees what the job holds of it, which may begin anew then */
void declare_free(job_declare_t *declare);


#endif /* DECLARE_H */
