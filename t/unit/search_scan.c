
/* when the page of a search is full */

#include "t/tap.h"
#include "clock.h"
#include "search_scan.h"


int
main(void)
{
    search_scan_t  scan;

    memset(&scan, 0, sizeof(search_scan_t));
    scan.limit = 2;
    scan.end_at = clock_monotonic() + 60000;

    ok(!search_scan_full(&scan), "a new page is not full");

    scan.end_at = clock_monotonic();
    ok(!search_scan_full(&scan),
       "a page goes on after its time until it has read an entry");

    scan.entries = 1;
    ok(search_scan_full(&scan), "then it is full");

    scan.end_at += 60000;
    ok(!search_scan_full(&scan), "within its time it is not");

    scan.nhits = 2;
    ok(search_scan_full(&scan), "a page with all its hits is full");

    return tap_done();
}
