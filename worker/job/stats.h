
/*
 * Counters of this worker since it started.  Each heartbeat has them under
 * these names.
 */


#ifndef STATS_H
#define STATS_H


#include <stdint.h>

#include "buf.h"


typedef struct {
    uint64_t  requests;            /* read from the queues */
    uint64_t  batches;             /* with at least one request */
    uint64_t  messages;            /* appended to threads */
    uint64_t  duplicates;          /* with a client_id used before */
    uint64_t  reads;               /* read marks, changed or not */
    uint64_t  leases;              /* declarations, changed or not */
    uint64_t  ticks;               /* due leases opened or closed */
    uint64_t  rejected;            /* jobs refused with 4xx */
    uint64_t  badges;              /* inbox threads written */
    uint64_t  owed;                /* debts, in a cluster */
    uint64_t  conflicts;           /* another worker was faster */
    uint64_t  retries;             /* of batches that Redis refused */
    uint64_t  failed;              /* jobs deferred */
    uint64_t  claimed;             /* pending requests claimed */
    uint64_t  dead;                /* dead letters */
    uint64_t  segments;            /* sealed */
    uint64_t  reconnects;
    uint64_t  busy_us;             /* time spent on batches */
} stats_t;


/* adds the counters of "more" to those of stats */
void stats_add(stats_t *stats, const stats_t *more);

/* appends "NAME=VALUE NAME=VALUE …" to buf */
void stats_encode(buf_t *buf, const stats_t *stats);


#endif /* STATS_H */
