
/*
 * Reading requests, one after the other on each of several connections: polls
 * without new entries, invalid tokens, pages of history.
 */


#ifndef GETS_H
#define GETS_H


#include <stdint.h>

#include "stats.h"


typedef enum {
    GETS_PLAIN = 0,                     /* the query as it is given */
    GETS_POLL,                          /* from the head on, with the ETag */
    GETS_BAD                            /* with bad tokens */
} gets_kind_e;


typedef struct {
    uint64_t  expected;                 /* answers with the expected status */
    uint64_t  others;
    uint64_t  broken;                   /* connections */
} gets_counts_t;


/*
 * Opens count connections, each to a property of its own while there are
 * enough. Returns 0 or -1.
 */
int gets_init(unsigned first, unsigned properties, unsigned count,
    gets_kind_e kind, const char *query, unsigned expect);

void gets_start(void);

/* no further ones */
void gets_stop(void);

/* 1 when each connection has had an answer with the expected status */
int gets_warm(void);

/* counts from now on */
void gets_measure(void);

void gets_report(gets_counts_t *counts, stats_t *times);


#endif /* GETS_H */
