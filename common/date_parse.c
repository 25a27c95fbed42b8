
/* Parses times (RFC 3339, section 5.6). */


#include "date.h"
#include "date_parse.h"


#define LL_DATE_PARSE_DAY  INT64_C(86400000)


/*
 * Days since 1970 of a date of the Gregorian calendar.  Years are counted from
 * March, so that the leap day is the last of its year, in eras of 400 years
 * (146097 days); month lengths from March on follow (153 m + 2) / 5.
 */
static int64_t
ll_date_parse_days(int year, int month, int day)
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
ll_date_parse_month_days(int year, int month)
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
ll_date_parse_digits(const char **s, const char *end, int n)
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
ll_date_parse_is(const char **s, const char *end, char c)
{
    if (*s == end || (**s != c && !(c >= 'A' && **s == c + ('a' - 'A')))) {
        return 0;
    }

    (*s)++;

    return 1;
}


/* parses an optional ".123…", as milliseconds; -1 for a point alone */
static int
ll_date_parse_fraction(const char **s, const char *end)
{
    int  ms, scale;

    if (!ll_date_parse_is(s, end, '.')) {
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
ll_date_parse_offset(const char **s, const char *end, int *minutes)
{
    int  sign, hour, minute;

    if (ll_date_parse_is(s, end, 'Z')) {
        *minutes = 0;
        return 0;
    }

    if (ll_date_parse_is(s, end, '+')) {
        sign = 1;

    } else if (ll_date_parse_is(s, end, '-')) {
        sign = -1;

    } else {
        return -1;
    }

    hour = ll_date_parse_digits(s, end, 2);

    if (hour < 0 || hour > 23 || !ll_date_parse_is(s, end, ':')) {
        return -1;
    }

    minute = ll_date_parse_digits(s, end, 2);

    if (minute < 0 || minute > 59) {
        return -1;
    }

    *minutes = sign * (hour * 60 + minute);

    return 0;
}


/* 1 if ms, the second after a leap second, begins a month in UTC */
static int
ll_date_parse_begins_month(int64_t ms)
{
    int  year, month, day;

    ms -= ((ms % 1000) + 1000) % 1000;

    if (ms % LL_DATE_PARSE_DAY != 0) {
        return 0;
    }

    ll_date_of_days(ms / LL_DATE_PARSE_DAY, &year, &month, &day);

    return day == 1;
}


int
ll_date_parse(const char *s, size_t len, int64_t *ms)
{
    int          year, month, day, hour, minute, second, fraction, offset;
    int64_t      time;
    const char  *end;

    end = s + len;

    year = ll_date_parse_digits(&s, end, 4);
    if (year < 0 || !ll_date_parse_is(&s, end, '-')) {
        return -1;
    }

    month = ll_date_parse_digits(&s, end, 2);
    if (month < 1 || month > 12 || !ll_date_parse_is(&s, end, '-')) {
        return -1;
    }

    day = ll_date_parse_digits(&s, end, 2);
    if (day < 1 || day > ll_date_parse_month_days(year, month)
        || !ll_date_parse_is(&s, end, 'T'))
    {
        return -1;
    }

    hour = ll_date_parse_digits(&s, end, 2);
    if (hour < 0 || hour > 23 || !ll_date_parse_is(&s, end, ':')) {
        return -1;
    }

    minute = ll_date_parse_digits(&s, end, 2);
    if (minute < 0 || minute > 59 || !ll_date_parse_is(&s, end, ':')) {
        return -1;
    }

    second = ll_date_parse_digits(&s, end, 2);
    if (second < 0 || second > 60) {
        return -1;
    }

    fraction = ll_date_parse_fraction(&s, end);

    if (fraction < 0 || ll_date_parse_offset(&s, end, &offset) != 0
        || s != end)
    {
        return -1;
    }

    time = ll_date_parse_days(year, month, day) * LL_DATE_PARSE_DAY
           + ((hour * 60 + minute - offset) * INT64_C(60) + second) * 1000
           + fraction;

    if (time < LL_DATE_MIN || time > LL_DATE_MAX
        || (second == 60 && !ll_date_parse_begins_month(time)))
    {
        return -1;
    }

    *ms = time;

    return 0;
}
