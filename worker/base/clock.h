
/*
 * Time: UTC milliseconds since 1970, negative before, and its text form
 * (RFC 3339).
 */


#ifndef CLOCK_H
#define CLOCK_H


#include <stddef.h>
#include <stdint.h>

#include "common/date.h"


#define CLOCK_LEN    LL_DATE_LEN
#define CLOCK_MIN    LL_DATE_MIN
#define CLOCK_MAX    LL_DATE_MAX

/* no end: later than every time */
#define CLOCK_NEVER  (CLOCK_MAX + 1)


/* Returns the time of the system clock. */
int64_t clock_now(void);

/* Returns milliseconds of the monotonic clock, for measuring durations. */
int64_t clock_monotonic(void);

/* The same in microseconds. */
int64_t clock_microseconds(void);

/* Sleeps for ms milliseconds, or until a signal arrives. */
void clock_sleep(unsigned ms);

/* Parses a time, as ll_date_parse() does (common/date_parse.h). */
int clock_parse(const char *s, size_t len, int64_t *ms);

/*
 * Writes CLOCK_LEN bytes and a terminator.  A time outside CLOCK_MIN to
 * CLOCK_MAX is written as the nearer of the two.
 */
void clock_format(char dst[CLOCK_LEN + 1], int64_t ms);


#endif /* CLOCK_H */
