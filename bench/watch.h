
/*
 * Event streams: each must get every message of its property once and in order.
 */


#ifndef WATCH_H
#define WATCH_H


#include <stdint.h>

#include "stats.h"


typedef struct {
    uint64_t  opened;                   /* streams, reopened ones again */
    uint64_t  refused;                  /* answered otherwise than with 200 */
    uint64_t  closed;                   /* by the server */
    uint64_t  events;                   /* messages, once for each stream */
    uint64_t  doubled;                  /* came again, or out of order */
    uint64_t  lost;                     /* and did not come until the end */
    uint64_t  deaf;                     /* streams that lack the last one */
} watch_counts_t;


/*
 * count streams on the properties from the first one on, two for each, at most
 * ahead of them being opened at a time; 0 or -1.
 */
int watch_init(unsigned first, unsigned count, unsigned ahead);

/* opens streams that wait to be opened; called regularly */
void watch_step(uint64_t now);

/* the number of open streams, which have got the first byte of a body */
unsigned watch_open(void);

/* closes all at once, to be opened again from their cursors */
void watch_storm(void);

/* messages scheduled within this time have their latency counted */
void watch_measure(uint64_t from, uint64_t until);

/* 1 when every stream has had as many messages as sent() says were sent */
int watch_complete(uint64_t (*sent)(unsigned property));

/* final; latencies may be NULL */
void watch_report(watch_counts_t *counts, stats_t *latencies,
    uint64_t (*sent)(unsigned property));

/* so far */
uint64_t watch_events(void);


#endif /* WATCH_H */
