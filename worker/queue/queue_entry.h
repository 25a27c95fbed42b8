
/*
 * Entries of the queues in Redis; docs/data.md has their fields.
 */


#ifndef QUEUE_ENTRY_H
#define QUEUE_ENTRY_H


#include "args.h"
#include "job.h"


/*
 * Fills in a zeroed job from an entry, [id, [field, value, …]].  The job
 * points into the entry.  Returns NULL, or the reason why the entry is not a
 * valid request, a constant string such as "unknown op".
 */
const char *queue_entry_parse(job_t *job, const redisReply *entry,
    property_cache_t *properties);

/* makes args the XADD of an entry to the dead letters of queue k */
void queue_entry_dead(args_t *args, unsigned k, const redisReply *entry,
    const char *why);


#endif /* QUEUE_ENTRY_H */
