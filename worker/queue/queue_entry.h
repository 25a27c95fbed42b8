
/*
 * Entries of the queues in Redis; docs/data.md has their fields.
 */


#ifndef QUEUE_ENTRY_H
#define QUEUE_ENTRY_H


#include "args.h"
#include "job.h"


/* the reason of queue_entry_parse() when memory was short */
extern const char  queue_entry_no_memory[];


/*
 * Fills in a zeroed job from an entry, [id, [field, value, …]].  The job
 * points into the entry.  Returns NULL, or the reason why the entry is not a
 * valid request, a constant string such as "unknown op"; or
 * queue_entry_no_memory, after which it can be tried again.
 */
const char *queue_entry_parse(job_t *job, const redisReply *entry,
    property_cache_t *properties);

/* makes args the call that moves an entry to the dead letters of queue k */
void queue_entry_dead(args_t *args, unsigned k, const redisReply *entry,
    const char *why);


#endif /* QUEUE_ENTRY_H */
