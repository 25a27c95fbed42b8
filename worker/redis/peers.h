
/*
 * The primaries of a Redis Cluster, each with a process of this worker that
 * serves it.  The table is in memory that these processes share, so each knows
 * which primaries answer the others, and waits for none that does not.
 */


#ifndef PEERS_H
#define PEERS_H


#include <stdatomic.h>
#include <stdint.h>

#include "common/slots.h"


#define PEERS_MAX  256


typedef struct {
    char              host[LL_SLOTS_HOST + 1];
    unsigned          port;
    _Atomic int64_t   alive_at;    /* it last answered, clock_monotonic() */
    _Atomic uint64_t  queues;      /* that are read there: bit k for queue k */
    _Atomic int64_t   turn_at;     /* its process last went on, likewise */
} peer_t;

typedef struct {
    _Atomic unsigned  n;
    peer_t            all[PEERS_MAX];
} peers_t;


/* Returns the row of an address, or NULL. */
peer_t *peers_find(peers_t *peers, const char *host, unsigned port);

/* Sets row i, which may be the one after the last. */
void peers_set(peers_t *peers, unsigned i, const char *host, unsigned port);

/* Notes that a primary has answered, and which queues are read there. */
void peers_answered(peer_t *peer, uint64_t queues);

/* Notes that the process of a primary goes on: at each turn of its loop. */
void peers_turned(peer_t *peer);

/* Returns 1 if a primary has answered lately, and after a time; else 0. */
int peers_alive(const peer_t *peer, int64_t after);

/* Returns which queues are read, by all processes together. */
uint64_t peers_queues(const peers_t *peers);


#endif /* PEERS_H */
