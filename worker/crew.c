
/*
 * Counters are read while other processes change them, each by one instruction:
 * a heartbeat may have one that is some microseconds old.
 */

#include <string.h>
#include <sys/mman.h>

#include "clock.h"
#include "crew.h"


crew_t *
crew_create(void)
{
    void    *p;
    crew_t  *crew;

    p = mmap(NULL, sizeof(crew_t), PROT_READ|PROT_WRITE,
             MAP_SHARED|MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED) {
        return NULL;
    }

    crew = p;
    crew->started = clock_now() / 1000;

    return crew;
}


peer_t *
crew_peer(const crew_seat_t *seat)
{
    return &seat->crew->peers.all[seat->i];
}


stats_t *
crew_stats(const crew_seat_t *seat)
{
    return &seat->crew->stats[seat->i];
}


void
crew_sum(const crew_t *crew, stats_t *sum)
{
    unsigned  i;

    memset(sum, 0, sizeof(stats_t));

    for (i = 0; i < crew->peers.n; i++) {
        stats_add(sum, &crew->stats[i]);
    }
}
