
/*
 * Marking as read: POST …/read.
 */


#ifndef READ_H
#define READ_H


#include "job.h"


/* as message_begin() and message_finish() */
job_step_e read_begin(work_t *work, job_t *job);
job_step_e read_finish(work_t *work, job_t *job, const redisReply *reply);


#endif /* READ_H */
