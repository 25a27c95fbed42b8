
/*
 * Scans threads for a search, newest entry first, and collects the hits of one
 * page.  What a page may cost is bounded: by its hits and their bytes, by the
 * entries and bytes that are read, and by time.
 */


#ifndef SEARCH_SCAN_H
#define SEARCH_SCAN_H


#include "common/search.h"
#include "conn.h"
#include "match.h"


typedef struct {
    conn_t    *conn;               /* the caller's */
    match_t    match;
    unsigned   limit;              /* of hits */
    unsigned   nhits;
    buf_t      hits;               /* separated by commas */
    uint64_t   entries;            /* read */
    uint64_t   bytes;
    int64_t    end_at;             /* by clock_monotonic() */
} search_scan_t;


typedef enum {
    SEARCH_SCAN_DONE = 0,
    SEARCH_SCAN_FULL,              /* a limit is reached */
    SEARCH_SCAN_FAILED             /* Redis fails, or memory is short */
} search_scan_result_e;


/*
 * Begins a page of a search, whose parameters must have words.  Returns 0, or
 * -1 if memory is short.  To be freed in either case.
 */
int search_scan_init(search_scan_t *scan, conn_t *conn,
    const ll_search_t *search);

/* Returns 1 if a limit of the page is reached, else 0. */
int search_scan_full(const search_scan_t *scan);

/*
 * Scans the entries "last" to "first" of a property.  Each hit is the entry; if
 * before is not NULL, it is that, the entry and "}".  If the page is full, the
 * search continues before *next, which is greater than first.
 */
search_scan_result_e search_scan_thread(search_scan_t *scan,
    const ll_str_t *property, uint64_t first, uint64_t last,
    const buf_t *before, uint64_t *next);

/* Frees what the scan owns. */
void search_scan_free(search_scan_t *scan);


#endif /* SEARCH_SCAN_H */
