
/*
 * Time: UTC milliseconds since 1970 (negative before), and its written form,
 * RFC 3339.
 */


#ifndef CLOCK_H
#define CLOCK_H


#include <stddef.h>
#include <stdint.h>


/* "2026-11-22T12:00:00.123Z", without a terminator */
#define CLOCK_LEN    24

/* the years 0000 to 9999; all of it is exact in a double, as Lua has them */
#define CLOCK_MIN    (-INT64_C(62167219200000))
#define CLOCK_MAX    INT64_C(253402300799999)

/* "no end": later than every time there is */
#define CLOCK_NEVER  (CLOCK_MAX + 1)


/* the wall clock */
int64_t clock_now(void);

/* for measuring: never goes back, starts anywhere */
int64_t clock_monotonic(void);

/*
 * RFC 3339, section 5.6: "t" and "z" in any case, any offset, any number of
 * digits after the second's point (past milliseconds they are cut off).  A
 * leap second is accepted where UTC could have one, at the end of a month, and
 * is the first second of the next.  Returns 0, or -1 if the len bytes at s are
 * anything else, or name a time outside CLOCK_MIN to CLOCK_MAX.
 */
int clock_parse(const char *s, size_t len, int64_t *ms);

/*
 * writes CLOCK_LEN bytes and a terminator; ms outside CLOCK_MIN to CLOCK_MAX
 * is written as the nearer of the two
 */
void clock_format(char dst[CLOCK_LEN + 1], int64_t ms);


#endif /* CLOCK_H */
