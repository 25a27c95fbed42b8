
/* bodies that declare a lease */

#include <stdlib.h>

#include "t/tap.h"
#include "t/unit/faults.h"
#include "body.h"
#include "body_lease.h"


#define HEAD   "{\"lease_id\":\"L-1\",\"label\":\"12 Elm St, Unit 3\","       \
               "\"time_zone\":\"America/New_York\","
#define SIDES  "\"landlords\":[{\"user\":\"u-ana\",\"name\":\"Ana\"}],"       \
               "\"tenants\":[{\"user\":\"u-tom\",\"name\":\"Tom\"}],"
#define TIMES  "\"starts_at\":\"2026-11-01T04:00:00Z\",\"ends_at\":null}"


static const char *
lease_faults(const char *s)
{
    int           rc;
    faults_t      faults = FAULTS_INIT;
    body_lease_t  lease;

    rc = body_lease_parse(s, strlen(s), &lease, &faults);

    if (rc == 0) {
        body_lease_free(&lease);
    }

    return faults_text(rc, &faults);
}


#define lease_is(s, expected, name)  is_str(lease_faults(s), expected, name)


static void
test_good(void)
{
    buf_t         buf = BUF_INIT;
    faults_t      faults = FAULTS_INIT;
    body_lease_t  lease, again;

    static const char  body[] =
        "{ \"ends_at\":\"2027-10-31t23:59:59.5-04:00\","
        "\"tenants\":[{\"name\":\"T\\u006fm \\\"T\\\"\",\"user\":\"u-tom\"},"
        "{\"user\":\"u-tia\",\"name\":\"Tia\"}],"
        "\"starts_at\":\"2026-11-01T00:00:00-04:00\","
        "\"landlords\":[{\"user\":\"u-ana\",\"name\":\"Ana\"}],"
        "\"time_zone\":\"America/New_York\",\"label\":\" 12 Elm \","
        "\"lease_id\":\"L-1\"}";

    static const char  encoded[] =
        "{\"lease_id\":\"L-1\",\"label\":\" 12 Elm \","
        "\"time_zone\":\"America/New_York\","
        "\"landlords\":[{\"user\":\"u-ana\",\"name\":\"Ana\"}],"
        "\"tenants\":[{\"user\":\"u-tom\",\"name\":\"Tom \\\"T\\\"\"},"
        "{\"user\":\"u-tia\",\"name\":\"Tia\"}],"
        "\"starts_at\":\"2026-11-01T04:00:00.000Z\","
        "\"ends_at\":\"2027-11-01T03:59:59.500Z\"}";

    ok(body_lease_parse(body, sizeof(body) - 1, &lease, &faults) == 0,
       "a valid lease is parsed");
    is_str(lease.lease_id, "L-1", "lease_id is kept");
    is_str(lease.label, " 12 Elm ", "label is not trimmed");
    is_num(lease.nparties, 3, "there are three parties");
    ok(lease.parties[0].role == BODY_LANDLORD
       && lease.parties[1].role == BODY_TENANT
       && lease.parties[2].role == BODY_TENANT,
       "landlords come before tenants");
    is_str(lease.parties[1].user, "u-tom", "parties keep the order declared");
    is_num(lease.starts_at, INT64_C(1793505600000),
           "starts_at is in milliseconds");
    is_num(lease.ends_at - lease.starts_at, INT64_C(365) * 86400000 - 500,
           "ends_at is in milliseconds");

    body_lease_encode(&buf, &lease);
    is_str(buf.data, encoded, "the lease is encoded");

    ok(body_lease_decode(buf.data, buf.len, &again) == 0,
       "the encoded lease is decoded");
    buf_reset(&buf);
    body_lease_encode(&buf, &again);
    is_str(buf.data, encoded, "the decoded lease is encoded the same");

    body_lease_free(&again);
    body_lease_free(&lease);
    body_lease_free(&lease);
    body_lease_free(NULL);

    lease_is(HEAD SIDES TIMES, "", "the smallest lease is valid");

    ok(body_lease_parse(HEAD SIDES TIMES, sizeof(HEAD SIDES TIMES) - 1, &lease,
                        &faults) == 0 && lease.ends_at == CLOCK_NEVER,
       "ends_at null means never");
    body_lease_free(&lease);

    buf_free(&buf);
}


static void
test_bad(void)
{
    lease_is("{}", "lease_id: is missing\nlabel: is missing\n"
             "time_zone: is missing\nlandlords: is missing\n"
             "tenants: is missing\nstarts_at: is missing\n"
             "ends_at: is missing\n", "{}: all members are missing");

    lease_is("{\"lease_id\":\"L 1\",\"label\":\"\",\"time_zone\":\"Mars/Base\","
             "\"landlords\":[],\"tenants\":[{\"user\":\"u.tom\",\"nick\":1}],"
             "\"starts_at\":\"today\",\"ends_at\":1,\"rent\":1200}",
             "rent: is not a known field\n"
             "lease_id: must be 1 to 64 of A-Z a-z 0-9 _ -\n"
             "label: must have 1 to 200 characters, has 0\n"
             "time_zone: must be the name of a time zone, such as "
             "\"America/New_York\"\n"
             "landlords: must have 1 to 20 entries, has 0\n"
             "tenants[0].nick: is not a known field\n"
             "tenants[0].name: is missing\n"
             "tenants[0].user: must be 1 to 64 of A-Z a-z 0-9 _ -\n"
             "starts_at: must be a time as in RFC 3339, such as "
             "\"2026-11-01T04:00:00Z\"\n"
             "ends_at: must be a string or null\n",
             "every fault of a lease is listed");

    lease_is(HEAD "\"landlords\":[{\"user\":\"a\",\"name\":\"A\"},"
             "{\"user\":\"b\",\"name\":\"B\"},{\"user\":\"a\",\"name\":\"C\"}],"
             "\"tenants\":[{\"user\":\"b\",\"name\":\"B\"},"
             "{\"user\":\"c\",\"name\":\"C\"},{\"user\":\"c\",\"name\":\"C\"}],"
             TIMES,
             "landlords[2].user: is already a landlord\n"
             "tenants[0].user: is already a landlord\n"
             "tenants[2].user: is already a tenant\n",
             "a user given twice is refused");

    lease_is(HEAD "\"tenants\":[{\"user\":\"b\",\"name\":\"B\"}],"
             "\"landlords\":[{\"user\":\"b\",\"name\":\"B\"}]," TIMES,
             "tenants[0].user: is already a landlord\n",
             "a user on both sides is a fault of the tenants");

    lease_is(HEAD "\"landlords\":{\"user\":\"a\",\"name\":\"A\"},"
             "\"tenants\":[\"u-tom\",null]," TIMES,
             "landlords: must be a list\ntenants[0]: must be an object\n"
             "tenants[1]: must be an object\n",
             "values of another type are refused");

    lease_is(HEAD "\"landlords\":[{\"user\":\"a\",\"user\":\"a\","
             "\"name\":\"A\"}],\"tenants\":[{\"user\":\"b\",\"name\":\"\\t\"}],"
             TIMES,
             "landlords[0].user: is given twice\n"
             "tenants[0].name: must not have control characters\n",
             "faults within a party are listed");

    lease_is(HEAD SIDES "\"starts_at\":\"2026-11-01T04:00:00Z\","
             "\"ends_at\":\"2026-11-01T05:00:00+01:00\"}",
             "ends_at: must be after starts_at\n",
             "an end at the start is refused");

    lease_is(HEAD SIDES "\"starts_at\":null,\"ends_at\":null}",
             "starts_at: must be a string\n", "a null start is refused");

    lease_is("[" HEAD SIDES TIMES "]", ": must be an object\n",
             "a list is refused");
}


static void
test_counts(void)
{
    int    i, n;
    char   line[64];
    buf_t  buf = BUF_INIT;

    for (n = 20; n <= 21; n++) {
        buf_reset(&buf);
        buf_lit(&buf, HEAD "\"landlords\":[{\"user\":\"a\",\"name\":\"A\"}],"
                "\"tenants\":[");

        for (i = 0; i < n; i++) {
            (void) snprintf(line, sizeof(line),
                            "%s{\"user\":\"u-%d\",\"name\":\"N\"}",
                            i ? "," : "", i);
            buf_adds(&buf, line);
        }

        buf_lit(&buf, "]," TIMES);

        lease_is(buf.data, n == 20 ? ""
                 : "tenants: must have 1 to 20 entries, has 21\n",
                 n == 20 ? "20 tenants" : "21 tenants");
    }

    for (n = 200; n <= 201; n++) {
        buf_reset(&buf);
        buf_lit(&buf, "{\"lease_id\":\"L-1\",\"time_zone\":\"UTC\","
                "\"label\":\"");

        for (i = 0; i < n; i++) {
            buf_lit(&buf, "\xf0\x9f\x8f\xa0");
        }

        buf_lit(&buf, "\"," SIDES TIMES);

        lease_is(buf.data, n == 200 ? ""
                 : "label: must have 1 to 200 characters, has 201\n",
                 n == 200 ? "a label of 200" : "a label of 201");
    }

    buf_free(&buf);
}


static void
test_zones(void)
{
    char    body[1024], name[200];
    size_t  i;

    static const char  *good[] = {
        "UTC", "Europe/Berlin", "Etc/GMT+5", "America/Argentina/Buenos_Aires",
        "America/Port-au-Prince", "Asia/Kolkata"
    };

    static const char  *bad[] = {
        "", ".", "..", "/", "America", "America/", "/UTC", "america/new_york",
        "../zoneinfo/UTC", "Europe/../UTC", "Europe//Berlin", "posix/UTC",
        "right/UTC", "posixrules", "localtime", "zone.tab", "tzdata.zi",
        "leapseconds", "EST5EDT4", "UTC\\u0000", "UTC ", "New York",
        "//etc/localtime", "America/New_York/x"
    };

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        (void) snprintf(body, sizeof(body),
                        "{\"lease_id\":\"L\",\"label\":\"l\","
                        "\"time_zone\":\"%s\"," SIDES TIMES, good[i]);
        lease_is(body, "", good[i]);
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void) snprintf(body, sizeof(body),
                        "{\"lease_id\":\"L\",\"label\":\"l\","
                        "\"time_zone\":\"%s\"," SIDES TIMES, bad[i]);
        (void) snprintf(name, sizeof(name), "no zone: \"%s\"", bad[i]);
        lease_is(body, "time_zone: must be the name of a time zone, such as "
                 "\"America/New_York\"\n", name);
    }
}


int
main(void)
{
    body_role_e  role;

    test_good();
    test_bad();
    test_counts();
    test_zones();

    ok(body_lease_role_of("tenant", 6, &role) == 0 && role == BODY_TENANT,
       "the role tenant is known");
    ok(body_lease_role_of("tenants", 7, &role) == -1,
       "an unknown role is refused");

    return tap_done();
}
