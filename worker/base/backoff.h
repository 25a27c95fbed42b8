
/*
 * Retry delays: random up to a limit that doubles each time (exponential
 * backoff with full jitter), so that workers do not retry all at once.
 */


#ifndef BACKOFF_H
#define BACKOFF_H


#include <stdint.h>


#define BACKOFF_FIRST_MS  20
#define BACKOFF_MAX_MS    1000


typedef struct {
    unsigned  limit;               /* milliseconds; initially 0 */
} backoff_t;


/* Returns the next delay: 1 to BACKOFF_MAX_MS milliseconds. */
unsigned backoff_next(backoff_t *backoff);

/* Starts over, after a success. */
void backoff_reset(backoff_t *backoff);


#endif /* BACKOFF_H */
