
/*
 * Counters of this worker; loop_t owns them.
 */

#include <stddef.h>
#include <stdio.h>

#include "stats.h"


#define STATS_FIELD(name)  { #name, offsetof(stats_t, name) }


static const struct {
    const char  *name;
    size_t       offset;
} stats_fields[] = {
    STATS_FIELD(requests),
    STATS_FIELD(batches),
    STATS_FIELD(messages),
    STATS_FIELD(duplicates),
    STATS_FIELD(reads),
    STATS_FIELD(leases),
    STATS_FIELD(ticks),
    STATS_FIELD(rejected),
    STATS_FIELD(badges),
    STATS_FIELD(owed),
    STATS_FIELD(conflicts),
    STATS_FIELD(retries),
    STATS_FIELD(failed),
    STATS_FIELD(claimed),
    STATS_FIELD(dead),
    STATS_FIELD(segments),
    STATS_FIELD(reconnects)
};


void
stats_add(stats_t *stats, const stats_t *more)
{
    size_t  i;

    for (i = 0; i < sizeof(stats_fields) / sizeof(stats_fields[0]); i++) {
        *(uint64_t *) ((char *) stats + stats_fields[i].offset) +=
            *(const uint64_t *) ((const char *) more + stats_fields[i].offset);
    }

    stats->busy_us += more->busy_us;
}


void
stats_encode(buf_t *buf, const stats_t *stats)
{
    char    text[48];
    size_t  i;

    for (i = 0; i < sizeof(stats_fields) / sizeof(stats_fields[0]); i++) {

        if (i != 0) {
            buf_lit(buf, " ");
        }

        buf_adds(buf, stats_fields[i].name);
        buf_lit(buf, "=");
        buf_number(buf, (int64_t) *(const uint64_t *)
                   ((const char *) stats + stats_fields[i].offset));
    }

    /* metrics of Prometheus are in seconds */

    (void) snprintf(text, sizeof(text), " busy_seconds=%llu.%06llu",
                    (unsigned long long) (stats->busy_us / 1000000),
                    (unsigned long long) (stats->busy_us % 1000000));
    buf_adds(buf, text);
}
