
/* Times as text (RFC 3339, section 5.6), in UTC with milliseconds. */


#ifndef LL_DATE_H
#define LL_DATE_H


#include <stdint.h>


/* "2026-11-22T12:00:00.123Z", without a terminator */
#define LL_DATE_LEN  24

/* the years 0000 to 9999, exact in a double, which is Lua's number type */
#define LL_DATE_MIN  (-INT64_C(62167219200000))
#define LL_DATE_MAX  INT64_C(253402300799999)


/* Sets the date, in the Gregorian calendar, of a number of days since 1970. */
void ll_date_of_days(int64_t days, int *year, int *month, int *day);

/*
 * Writes LL_DATE_LEN bytes and a terminator; ms are since 1970.  A time outside
 * LL_DATE_MIN to LL_DATE_MAX is written as the nearer of the two.
 */
void ll_date_format(char dst[LL_DATE_LEN + 1], int64_t ms);


#endif /* LL_DATE_H */
