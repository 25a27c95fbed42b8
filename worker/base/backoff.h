
/*
 * How long to wait before trying again: at random up to a limit that doubles
 * each time (full jitter), so that workers do not come back all at once.
 */


#ifndef BACKOFF_H
#define BACKOFF_H


#include <stdint.h>


#define BACKOFF_FIRST_MS  20
#define BACKOFF_MAX_MS    1000


typedef struct {
    unsigned  limit;               /* milliseconds; 0 at first */
} backoff_t;


/* the milliseconds to wait now: 1 to BACKOFF_MAX_MS */
unsigned backoff_next(backoff_t *backoff);

/* after a success */
void backoff_reset(backoff_t *backoff);


#endif /* BACKOFF_H */
