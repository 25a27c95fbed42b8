
/* Formats times. */

#include <stdio.h>

#include "date.h"


#define LL_DATE_DAY  INT64_C(86400000)


/*
 * Years are counted from March, so that the leap day is the last of its year,
 * in eras of 400 years (146097 days); month lengths from March on follow
 * (153 m + 2) / 5.
 */
void
ll_date_of_days(int64_t days, int *year, int *month, int *day)
{
    int64_t  era, in_era, y, in_year, m;

    days += 719468;
    era = (days >= 0 ? days : days - 146096) / 146097;
    in_era = days - era * 146097;

    y = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    in_year = in_era - (365 * y + y / 4 - y / 100);
    m = (5 * in_year + 2) / 153;

    *day = (int) (in_year - (153 * m + 2) / 5 + 1);
    *month = (int) (m < 10 ? m + 3 : m - 9);
    *year = (int) (y + era * 400 + (*month <= 2));
}


void
ll_date_format(char dst[LL_DATE_LEN + 1], int64_t ms)
{
    int      year, month, day;
    int64_t  days, rest;

    if (ms < LL_DATE_MIN) {
        ms = LL_DATE_MIN;

    } else if (ms > LL_DATE_MAX) {
        ms = LL_DATE_MAX;
    }

    days = ms / LL_DATE_DAY;
    rest = ms % LL_DATE_DAY;

    if (rest < 0) {
        rest += LL_DATE_DAY;
        days--;
    }

    ll_date_of_days(days, &year, &month, &day);

    /* the remainders prove to the compiler that the result fits */

    (void) snprintf(dst, LL_DATE_LEN + 1,
                    "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
                    (unsigned) year % 10000u, (unsigned) month % 100u,
                    (unsigned) day % 100u,
                    (unsigned) (rest / 3600000) % 100u,
                    (unsigned) (rest / 60000 % 60),
                    (unsigned) (rest / 1000 % 60), (unsigned) (rest % 1000));
}
