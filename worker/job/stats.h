
/*
 * What this worker has done since it started; told in each heartbeat, by these
 * names.
 */


#ifndef STATS_H
#define STATS_H


#include <stdint.h>

#include "buf.h"


typedef struct {
    uint64_t  requests;            /* taken from the queues */
    uint64_t  batches;             /* that held any */
    uint64_t  messages;            /* appended */
    uint64_t  duplicates;          /* sent before */
    uint64_t  reads;               /* marks asked for, moved or not */
    uint64_t  leases;              /* declarations accepted, new or not */
    uint64_t  ticks;               /* openings and closings looked after */
    uint64_t  rejected;            /* answered 4xx */
    uint64_t  badges;              /* inbox threads renewed */
    uint64_t  conflicts;           /* another worker was first */
    uint64_t  retries;             /* batches that Redis refused for a while */
    uint64_t  failed;              /* left for another try */
    uint64_t  claimed;             /* taken over from others */
    uint64_t  dead;                /* given up */
    uint64_t  reconnects;
    uint64_t  busy_us;             /* time spent on batches */
} stats_t;


/* adds "NAME=VALUE NAME=VALUE …" */
void stats_encode(buf_t *buf, const stats_t *stats);


#endif /* STATS_H */
