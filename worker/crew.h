
/*
 * In a cluster, a worker is a process for each primary (processes.h).  The crew
 * is what these processes share, in memory: which primaries answer, which
 * queues are read, and the counters, so that each heartbeat has those of the
 * worker.
 */


#ifndef CREW_H
#define CREW_H


#include "peers.h"
#include "server.h"
#include "stats.h"


typedef struct {
    int64_t          started;      /* the worker, in seconds since 1970 */
    peers_t          peers;
    stats_t          stats[PEERS_MAX];
} crew_t;

/* the place of one process */

typedef struct {
    crew_t          *crew;
    unsigned         i;            /* its row */
    const server_t  *cluster;      /* settings of the cluster */
} crew_seat_t;


/* Creates a crew in shared memory, which lives as long as the process. */
crew_t *crew_create(void);

/* Returns the row of a process among the peers, and its counters. */
peer_t *crew_peer(const crew_seat_t *seat);
stats_t *crew_stats(const crew_seat_t *seat);

/* Sums up the counters of all processes since the worker started. */
void crew_sum(const crew_t *crew, stats_t *sum);


#endif /* CREW_H */
