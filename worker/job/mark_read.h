
/*
 * Setting a read mark, POST …/read.
 */


#ifndef MARK_READ_H
#define MARK_READ_H


#include "job.h"


/* as message_begin() and message_finish() */
job_step_e mark_read_begin(work_t *work, job_t *job);
job_step_e mark_read_finish(work_t *work, job_t *job, const redisReply *reply);


#endif /* MARK_READ_H */
