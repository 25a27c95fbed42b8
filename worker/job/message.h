
/*
 * Sending a message: POST …/messages.
 */


#ifndef MESSAGE_H
#define MESSAGE_H


#include "job.h"


/* begins the next step of the job */
job_step_e message_begin(work_t *work, job_t *job);

/* handles the reply, which is not an error; JOB_SENT: another step follows */
job_step_e message_finish(work_t *work, job_t *job, const redisReply *reply);

/* frees what it owns */
void message_free(job_message_t *message);


#endif /* MESSAGE_H */
