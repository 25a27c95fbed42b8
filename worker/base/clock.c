
/* The system clocks; conversion between times and RFC 3339. */

#include <time.h>

#include "clock.h"


#define CLOCK_DAY  INT64_C(86400000)


int64_t
clock_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_REALTIME, &ts);

    return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}


int64_t
clock_monotonic(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}


int64_t
clock_microseconds(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


/*
 * Days since 1970 of a date of the Gregorian calendar.  Years are counted from
 * March, so that the leap day is the last of its year, in eras of 400 years
 * (146097 days); month lengths from March on follow (153 m + 2) / 5.
 */
static int64_t
clock_days(int year, int month, int day)
{
    int64_t  y, era, in_year, in_era;

    y = month > 2 ? year : year - 1;
    era = (y >= 0 ? y : y - 399) / 400;
    y -= era * 400;

    in_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    in_era = y * 365 + y / 4 - y / 100 + in_year;

    return era * 146097 + in_era - 719468;
}


static int
clock_month_days(int year, int month)
{
    static const int  days[] = {
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };

    if (month == 2
        && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
    {
        return 29;
    }

    return days[month - 1];
}


/* parses exactly n digits and advances *s; the value, or -1 */
static int
clock_digits(const char **s, const char *end, int n)
{
    int  value;

    value = 0;

    while (n--) {
        if (*s == end || **s < '0' || **s > '9') {
            return -1;
        }

        value = value * 10 + (*(*s)++ - '0');
    }

    return value;
}


/* if c or its lower case is next, advances *s and returns 1, else 0 */
static int
clock_is(const char **s, const char *end, char c)
{
    if (*s == end || (**s != c && !(c >= 'A' && **s == c + ('a' - 'A')))) {
        return 0;
    }

    (*s)++;

    return 1;
}


/* parses an optional ".123…", as milliseconds; -1 for a point alone */
static int
clock_fraction(const char **s, const char *end)
{
    int  ms, scale;

    if (!clock_is(s, end, '.')) {
        return 0;
    }

    if (*s == end || **s < '0' || **s > '9') {
        return -1;
    }

    ms = 0;

    for (scale = 100; *s < end && **s >= '0' && **s <= '9'; (*s)++) {
        ms += (**s - '0') * scale;
        scale /= 10;
    }

    return ms;
}


/* parses "Z" or "+HH:MM", as minutes to subtract; 0 or -1 */
static int
clock_offset(const char **s, const char *end, int *minutes)
{
    int  sign, hour, minute;

    if (clock_is(s, end, 'Z')) {
        *minutes = 0;
        return 0;
    }

    if (clock_is(s, end, '+')) {
        sign = 1;

    } else if (clock_is(s, end, '-')) {
        sign = -1;

    } else {
        return -1;
    }

    hour = clock_digits(s, end, 2);

    if (hour < 0 || hour > 23 || !clock_is(s, end, ':')) {
        return -1;
    }

    minute = clock_digits(s, end, 2);

    if (minute < 0 || minute > 59) {
        return -1;
    }

    *minutes = sign * (hour * 60 + minute);

    return 0;
}


/* 1 if ms, the second after a leap second, begins a month in UTC */
static int
clock_begins_month(int64_t ms)
{
    int  year, month, day;

    ms -= ((ms % 1000) + 1000) % 1000;

    if (ms % CLOCK_DAY != 0) {
        return 0;
    }

    ll_date_of_days(ms / CLOCK_DAY, &year, &month, &day);

    return day == 1;
}


int
clock_parse(const char *s, size_t len, int64_t *ms)
{
    int          year, month, day, hour, minute, second, fraction, offset;
    int64_t      time;
    const char  *end;

    end = s + len;

    year = clock_digits(&s, end, 4);
    if (year < 0 || !clock_is(&s, end, '-')) {
        return -1;
    }

    month = clock_digits(&s, end, 2);
    if (month < 1 || month > 12 || !clock_is(&s, end, '-')) {
        return -1;
    }

    day = clock_digits(&s, end, 2);
    if (day < 1 || day > clock_month_days(year, month)
        || !clock_is(&s, end, 'T'))
    {
        return -1;
    }

    hour = clock_digits(&s, end, 2);
    if (hour < 0 || hour > 23 || !clock_is(&s, end, ':')) {
        return -1;
    }

    minute = clock_digits(&s, end, 2);
    if (minute < 0 || minute > 59 || !clock_is(&s, end, ':')) {
        return -1;
    }

    second = clock_digits(&s, end, 2);
    if (second < 0 || second > 60) {
        return -1;
    }

    fraction = clock_fraction(&s, end);

    if (fraction < 0 || clock_offset(&s, end, &offset) != 0 || s != end) {
        return -1;
    }

    time = clock_days(year, month, day) * CLOCK_DAY
           + ((hour * 60 + minute - offset) * INT64_C(60) + second) * 1000
           + fraction;

    if (time < CLOCK_MIN || time > CLOCK_MAX
        || (second == 60 && !clock_begins_month(time)))
    {
        return -1;
    }

    *ms = time;

    return 0;
}


void
clock_format(char dst[CLOCK_LEN + 1], int64_t ms)
{
    ll_date_format(dst, ms);
}
