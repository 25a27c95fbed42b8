
/*
 * Sending a message: POST …/messages.
 */


#ifndef MESSAGE_H
#define MESSAGE_H


#include "job.h"


/* the job's next step */
job_step_e message_begin(work_t *work, job_t *job);

/* takes its reply, which is not an error: JOB_SENT to go on */
job_step_e message_finish(work_t *work, job_t *job, const redisReply *reply);

/* frees what the job holds of it */
void message_free(job_message_t *message);


#endif /* MESSAGE_H */
