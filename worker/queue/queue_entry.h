
/*
 * Entries of the queues, as docs/data.md describes them.
 */


#ifndef INBOX_H
#define INBOX_H


#include "args.h"
#include "job.h"


/*
 * Makes a job of an entry, [id, [field, value, …]], into which it points;
 * NULL, or why it can't be: "has no …", to be freed by nobody.
 */
const char *inbox_read(job_t *job, const redisReply *entry,
    properties_t *properties);

/* the command that puts an entry to the dead letters of queue K */
void inbox_dead(args_t *args, unsigned k, const redisReply *entry,
    const char *why);


#endif /* INBOX_H */
