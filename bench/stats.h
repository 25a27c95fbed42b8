
/*
 * A distribution of times, in buckets that are at most 1.6 % wide.
 */


#ifndef STATS_H
#define STATS_H


#include <stdint.h>
#include <stdio.h>


#define STATS_BUCKETS  2304


typedef struct {
    uint64_t  count;
    uint64_t  max;                      /* microseconds, exact */
    uint64_t  bucket[STATS_BUCKETS];
} stats_t;


/* nanoseconds of a clock that never jumps */
uint64_t stats_now(void);

void stats_add(stats_t *stats, uint64_t ns);

/* how many were longer than so many milliseconds */
uint64_t stats_over(const stats_t *stats, unsigned ms);

/* writes {"count":N,"p50":MS,"p90":…,"p99":…,"p999":…,"max":…} */
void stats_print(FILE *out, const stats_t *stats);


#endif /* STATS_H */
