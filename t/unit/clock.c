
/* RFC 3339 times, parsed and formatted */

#include <time.h>

#include "t/tap.h"
#include "clock.h"


static void
parses(const char *s, const char *expected)
{
    char     text[CLOCK_LEN + 1];
    int64_t  ms;

    if (clock_parse(s, strlen(s), &ms) != 0) {
        is_str("refused", expected, s);
        return;
    }

    clock_format(text, ms);
    is_str(text, expected, s);
}


static void
refuses(const char *s)
{
    int64_t  ms;

    ok(clock_parse(s, strlen(s), &ms) == -1, s[0] ? s : "empty");
}


static void
test_good(void)
{
    parses("2026-11-01T04:00:00Z", "2026-11-01T04:00:00.000Z");
    parses("2026-11-01t04:00:00z", "2026-11-01T04:00:00.000Z");
    parses("2026-11-01T00:00:00-04:00", "2026-11-01T04:00:00.000Z");
    parses("2026-11-01T00:30:00+05:30", "2026-10-31T19:00:00.000Z");
    parses("2026-11-01T04:00:00-00:00", "2026-11-01T04:00:00.000Z");
    parses("2026-01-01T00:00:00+23:59", "2025-12-31T00:01:00.000Z");
    parses("2026-11-01T04:00:00.5Z", "2026-11-01T04:00:00.500Z");
    parses("2026-11-01T04:00:00.123456789Z", "2026-11-01T04:00:00.123Z");
    parses("2026-11-01T04:00:00.9999Z", "2026-11-01T04:00:00.999Z");
    parses("2026-11-01T04:00:00.00000000000000000000000001Z",
           "2026-11-01T04:00:00.000Z");
    parses("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z");
    parses("2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000Z");
    parses("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z");
    parses("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z");
    parses("0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z");
    parses("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z");
    parses("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z");
    parses("2016-12-31T15:59:60.25-08:00", "2017-01-01T00:00:00.250Z");
    parses("2017-01-01T05:29:60+05:30", "2017-01-01T00:00:00.000Z");
}


static void
test_bad(void)
{
    size_t   i;
    int64_t  ms;

    static const char  *bad[] = {
        "", "2026", "2026-11-01", "2026-11-01T04:00:00", "2026-11-01T04:00Z",
        "2026-11-01 04:00:00Z", "2026-11-01T04:00:00 Z",
        "2026-11-01T04:00:00Z ", " 2026-11-01T04:00:00Z",
        "2026-11-01T04:00:00ZZ", "2026-11-01T04:00:00+0400",
        "2026-11-01T04:00:00+04", "2026-11-01T04:00:00+4:00",
        "2026-11-01T04:00:00+24:00", "2026-11-01T04:00:00+04:60",
        "2026-11-01T04:00:00.Z", "2026-11-01T04:00:00,5Z",
        "2026-00-01T04:00:00Z", "2026-13-01T04:00:00Z",
        "2026-11-00T04:00:00Z", "2026-11-31T04:00:00Z",
        "2026-02-29T04:00:00Z", "1900-02-29T04:00:00Z",
        "2026-11-01T24:00:00Z", "2026-11-01T04:60:00Z",
        "2026-11-01T04:00:61Z", "2026-11-01T04:00:60Z",
        "2026-11-01T23:59:60Z", "2016-12-31T23:59:60+01:00",
        "9999-12-31T23:59:60Z", "9999-12-31T23:59:59-00:01",
        "0000-01-01T00:00:00+00:01", "12026-11-01T04:00:00Z",
        "-026-11-01T04:00:00Z", "+026-11-01T04:00:00Z",
        "2026-1-01T04:00:00Z", "2026-11-01T4:00:00Z", "20261101T040000Z",
        "2026-W44-7T04:00:00Z", "now", "2026-11-01T04:00:00\xe2\x88\x92" "04:00"
    };

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        refuses(bad[i]);
    }

    ok(clock_parse("2026-11-01T04:00:00Z", 19, &ms) == -1,
       "no byte past the length is read");
    ok(clock_parse("2026-11-01T04:00:00Z\0", 21, &ms) == -1,
       "a NUL is refused");
}


/* as the C library's calendar, on a day of each week and at the ends */
static void
test_calendar(void)
{
    int        same;
    char       text[CLOCK_LEN + 1], expected[64];
    int64_t    ms, back;
    time_t     t;
    struct tm  tm;

    same = 1;

    for (ms = CLOCK_MIN; ms <= CLOCK_MAX; ms += INT64_C(86400000) * 7 + 12345) {
        t = (time_t) ((ms - (((ms % 1000) + 1000) % 1000)) / 1000);

        (void) gmtime_r(&t, &tm);
        (void) snprintf(expected, sizeof(expected),
                        "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                        tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                        tm.tm_hour, tm.tm_min, tm.tm_sec,
                        (int) (((ms % 1000) + 1000) % 1000));

        clock_format(text, ms);

        if (strcmp(text, expected) != 0
            || clock_parse(text, CLOCK_LEN, &back) != 0 || back != ms)
        {
            same = 0;
            printf("# %lld: %s, not %s\n", (long long) ms, text, expected);
            break;
        }
    }

    ok(same, "a time in each week of 10,000 years is formatted and parsed");

    clock_format(text, CLOCK_MIN - 1);
    is_str(text, "0000-01-01T00:00:00.000Z",
           "a time before year 0 is formatted as its start");
    clock_format(text, CLOCK_NEVER);
    is_str(text, "9999-12-31T23:59:59.999Z",
           "never is formatted as the end of year 9999");
    ok(clock_now() > INT64_C(1700000000000), "clock_now is after 2023");
}


int
main(void)
{
    test_good();
    test_bad();
    test_calendar();

    return tap_done();
}
