
/* Retry delays: exponential backoff with full jitter. */

#include <openssl/rand.h>

#include "backoff.h"


unsigned
backoff_next(backoff_t *backoff)
{
    uint32_t  random;

    backoff->limit = backoff->limit ? backoff->limit * 2 : BACKOFF_FIRST_MS;

    if (backoff->limit > BACKOFF_MAX_MS) {
        backoff->limit = BACKOFF_MAX_MS;
    }

    if (RAND_bytes((unsigned char *) &random, sizeof(random)) != 1) {
        random = backoff->limit;
    }

    return 1 + random % backoff->limit;
}


void
backoff_reset(backoff_t *backoff)
{
    backoff->limit = 0;
}
