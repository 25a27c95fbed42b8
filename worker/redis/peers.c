
/* A row is written by the parent, before the process of that row starts. */

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "peers.h"


/* heartbeats are sent each second */
#define PEERS_ALIVE_MS  2500


peer_t *
peers_find(peers_t *peers, const char *host, unsigned port)
{
    unsigned  i;

    for (i = 0; i < peers->n; i++) {
        if (peers->all[i].port == port
            && strcmp(peers->all[i].host, host) == 0)
        {
            return &peers->all[i];
        }
    }

    return NULL;
}


void
peers_set(peers_t *peers, unsigned i, const char *host, unsigned port)
{
    peer_t  *peer = &peers->all[i];

    peer->alive_at = 0;
    peer->queues = 0;
    peer->port = port;
    (void) snprintf(peer->host, sizeof(peer->host), "%s", host);

    if (i == peers->n) {
        peers->n++;
    }
}


void
peers_answered(peer_t *peer, uint64_t queues)
{
    peer->queues = queues;
    peer->alive_at = clock_monotonic();
}


void
peers_turned(peer_t *peer)
{
    peer->turn_at = clock_monotonic();
}


int
peers_alive(const peer_t *peer, int64_t after)
{
    int64_t  at;

    at = peer->alive_at;

    return at > after && clock_monotonic() - at <= PEERS_ALIVE_MS;
}


uint64_t
peers_queues(const peers_t *peers)
{
    unsigned  i;
    uint64_t  queues;

    queues = 0;

    for (i = 0; i < peers->n; i++) {
        if (peers_alive(&peers->all[i], 0)) {
            queues |= peers->all[i].queues;
        }
    }

    return queues;
}
