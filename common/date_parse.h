
/* Parses times (RFC 3339, section 5.6). */


#ifndef LL_DATE_PARSE_H
#define LL_DATE_PARSE_H


#include <stddef.h>
#include <stdint.h>


/*
 * Parses a time: "t" and "z" in any case, any offset, any number of fraction
 * digits, truncated to milliseconds.  A leap second is accepted at the end of a
 * month in UTC, and becomes the first second of the next one.  Returns 0, or -1
 * if the len bytes at s are not a time or if it is outside LL_DATE_MIN to
 * LL_DATE_MAX.
 */
int ll_date_parse(const char *s, size_t len, int64_t *ms);


#endif /* LL_DATE_PARSE_H */
