
/*
 * Microseconds up to 63 have a bucket each; from there on, each power of two
 * is divided into 64.
 */


#include <time.h>

#include "stats.h"


#define STATS_SUB  64


uint64_t
stats_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}


static unsigned
stats_bucket(uint64_t us)
{
    unsigned  bucket, shift;

    shift = 0;

    while (us >> shift >= 2 * STATS_SUB) {
        shift++;
    }

    bucket = shift * STATS_SUB + (us >> shift);

    return bucket < STATS_BUCKETS ? bucket : STATS_BUCKETS - 1;
}


/* the first microsecond of a bucket */
static uint64_t
stats_floor(unsigned bucket)
{
    unsigned  shift;

    if (bucket < 2 * STATS_SUB) {
        return bucket;
    }

    shift = bucket / STATS_SUB - 1;

    return (uint64_t) (bucket - shift * STATS_SUB) << shift;
}


void
stats_add(stats_t *stats, uint64_t ns)
{
    uint64_t  us;

    us = ns / 1000;

    stats->count++;
    stats->bucket[stats_bucket(us)]++;

    if (us > stats->max) {
        stats->max = us;
    }
}


uint64_t
stats_over(const stats_t *stats, unsigned ms)
{
    uint64_t  n;
    unsigned  i;

    n = 0;

    for (i = stats_bucket((uint64_t) ms * 1000); i < STATS_BUCKETS; i++) {
        n += stats->bucket[i];
    }

    return n;
}


static double
stats_quantile(const stats_t *stats, double q)
{
    uint64_t  n, rank;
    unsigned  i;

    if (stats->count == 0) {
        return 0;
    }

    rank = q * (stats->count - 1);
    n = 0;

    for (i = 0; i < STATS_BUCKETS; i++) {
        n += stats->bucket[i];

        if (n > rank) {
            return stats_floor(i) / 1000.0;
        }
    }

    return stats->max / 1000.0;
}


void
stats_print(FILE *out, const stats_t *stats)
{
    fprintf(out, "{\"count\":%llu,\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,"
            "\"p999\":%.3f,\"max\":%.3f}",
            (unsigned long long) stats->count,
            stats_quantile(stats, 0.5), stats_quantile(stats, 0.9),
            stats_quantile(stats, 0.99), stats_quantile(stats, 0.999),
            stats->max / 1000.0);
}
