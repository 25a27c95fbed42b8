
/* entries and problem documents, byte by byte */

#include "t/tap.h"
#include "entry.h"
#include "json.h"
#include "problem.h"


#define AT  INT64_C(1795348800123)       /* 2026-11-22T12:00:00.123Z */


static buf_t  buf;


static const char *
taken(void)
{
    static char  text[8192];

    (void) snprintf(text, sizeof(text), "%s", buf.data);
    buf_reset(&buf);

    return text;
}


static void
test_entries(void)
{
    body_party_t     tom = { BODY_TENANT, "u-tom", "Tom" };
    entry_lease_t    lease = { 1, AT, ENTRY_OPENED, "L-1", NULL };
    entry_message_t  message = { 482, AT, &tom, "The heating is out", 18,
                                 "c-1" };

    entry_message(&buf, &message);
    is_str(taken(), "{\"seq\":482,\"kind\":\"message\",\"from\":{\"user\":"
           "\"u-tom\",\"role\":\"tenant\",\"name\":\"Tom\"},\"text\":"
           "\"The heating is out\",\"at\":\"2026-11-22T12:00:00.123Z\","
           "\"client_id\":\"c-1\"}", "a message entry");

    entry_message_last(&buf, &message);
    is_str(taken(), "{\"seq\":482,\"kind\":\"message\",\"event\":null,\"from\":"
           "\"u-tom\",\"preview\":\"The heating is out\",\"at\":"
           "\"2026-11-22T12:00:00.123Z\"}",
           "a message as the last entry in the inbox");

    entry_lease(&buf, &lease);
    is_str(taken(), "{\"seq\":1,\"kind\":\"lease\",\"event\":\"opened\","
           "\"lease_id\":\"L-1\",\"at\":\"2026-11-22T12:00:00.123Z\"}",
           "an opened entry");

    entry_lease_last(&buf, &lease);
    is_str(taken(), "{\"seq\":1,\"kind\":\"lease\",\"event\":\"opened\","
           "\"from\":null,\"preview\":null,\"at\":"
           "\"2026-11-22T12:00:00.123Z\"}",
           "an opened entry as the last one in the inbox");

    lease.event = ENTRY_JOINED;
    lease.party = &tom;

    entry_lease(&buf, &lease);
    is_str(taken(), "{\"seq\":1,\"kind\":\"lease\",\"event\":\"joined\","
           "\"lease_id\":\"L-1\",\"party\":{\"user\":\"u-tom\",\"role\":"
           "\"tenant\",\"name\":\"Tom\"},\"at\":\"2026-11-22T12:00:00.123Z\"}",
           "a joined entry");

    is_str(entry_event_name(ENTRY_ENDED), "ended", "the name of ended");
    is_str(entry_event_name(ENTRY_LEFT), "left", "the name of left");
}


static void
test_preview(void)
{
    char             text[150 * 4];
    int              i;
    const char      *last, *end;
    body_party_t     tom = { BODY_TENANT, "u-tom", "Tom" };
    entry_message_t  message = { 1, AT, &tom, text, sizeof(text), "c" };

    for (i = 0; i < 150; i++) {
        memcpy(text + 4 * i, "\xf0\x9f\x98\x80", 4);
    }

    entry_message_last(&buf, &message);
    last = strstr(taken(), "\"preview\":\"") + 11;
    end = strchr(last, '"');

    is_num(end - last, 140 * 4, "a preview has 140 code points");
}


static void
test_strings(void)
{
    json_quote(&buf, "\0\x1f\"\\/\b\f\n\r\t\x7f<\xe2\x80\xa8\xc3\xa9", 17);
    is_str(taken(), "\"\\u0000\\u001f\\\"\\\\/\\b\\f\\n\\r\\t\x7f<"
           "\xe2\x80\xa8\xc3\xa9\"", "strings are escaped only where needed");

    json_quote(&buf, "", 0);
    is_str(taken(), "\"\"", "an empty string is quoted");

    json_time(&buf, CLOCK_NEVER);
    is_str(taken(), "null", "never is written as null");
}


static void
test_problems(void)
{
    faults_t  faults = FAULTS_INIT;

    problem_write(&buf, PROBLEM_LEASE_NOT_ACTIVE, NULL, NULL);
    is_str(taken(), "{\"type\":\"/problems/lease-not-active\",\"title\":"
           "\"Lease not active\",\"status\":409,\"detail\":\"You are not a "
           "party of an active lease of this property.\"}",
           "a problem document");

    fault_add(&faults, "tenants[3].user", "is \"%s\"", "bad");
    fault_add(&faults, "", "is odd");

    problem_write(&buf, PROBLEM_INVALID_BODY, "No.", &faults);
    is_str(taken(), "{\"type\":\"/problems/invalid-body\",\"title\":"
           "\"Invalid body\",\"status\":422,\"detail\":\"No.\",\"errors\":["
           "{\"field\":\"tenants[3].user\",\"detail\":\"is \\\"bad\\\"\"},"
           "{\"field\":\"\",\"detail\":\"is odd\"}]}",
           "a problem document with faults");

    fault_free(&faults);

    is_num(problem_status(PROBLEM_NOT_FOUND), 404,
           "the status of not-found is 404");
    is_num(problem_status(PROBLEM_CLIENT_ID_REUSED), 409,
           "the status of client-id-reused is 409");
    is_num(problem_status(PROBLEM_LEASE_CONFLICT), 409,
           "the status of lease-conflict is 409");
    is_num(problem_status(PROBLEM_LEASE_ENDED), 409,
           "the status of lease-ended is 409");
    is_num(problem_status(PROBLEM_INVALID_BODY), 422,
           "the status of invalid-body is 422");
    is_num(problem_status(PROBLEM_INTERNAL), 500,
           "the status of an internal error is 500");
}


int
main(void)
{
    test_entries();
    test_preview();
    test_strings();
    test_problems();
    buf_free(&buf);

    return tap_done();
}
