
/*
 * Entries are read in blocks (entries.h), of which one is in memory at a time.
 * The limits of what is read are checked before each block, so that every page
 * makes progress.
 */

#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "entries.h"
#include "log.h"
#include "search_scan.h"


/* hits end a page when they exceed this size, as in polls */
#define SEARCH_SCAN_PAGE     (256 * 1024)

/*
 * What is read for a page, about 40 ms for messages of usual length.  Longer
 * pages would let other searches wait.
 */
#define SEARCH_SCAN_ENTRIES  16384
#define SEARCH_SCAN_BYTES    (16 * 1024 * 1024)
#define SEARCH_SCAN_MS       300


int
search_scan_init(search_scan_t *scan, conn_t *conn, const ll_search_t *search)
{
    match_limits_t   limits;
    const ll_str_t  *from, *words;

    memset(scan, 0, sizeof(search_scan_t));

    scan->conn = conn;
    scan->limit = search->limit;
    scan->end_at = clock_monotonic() + SEARCH_SCAN_MS;

    from = &search->params[LL_SEARCH_FROM];
    words = &search->params[LL_SEARCH_WORDS];

    memset(&limits, 0, sizeof(match_limits_t));
    memcpy(limits.from, from->len ? from->data : "", from->len);

    limits.since = search->since;
    limits.until = search->until;

    return match_init(&scan->match, words->data, words->len, &limits);
}


/* a page that has read nothing goes on, or the next one might begin there */
int
search_scan_full(const search_scan_t *scan)
{
    return scan->nhits >= scan->limit || scan->hits.len > SEARCH_SCAN_PAGE
           || scan->entries >= SEARCH_SCAN_ENTRIES
           || scan->bytes >= SEARCH_SCAN_BYTES
           || (scan->entries > 0 && clock_monotonic() >= scan->end_at);
}


static void
search_scan_hit(search_scan_t *scan, const thread_entry_t *entry,
    const buf_t *before)
{
    buf_t  *hits = &scan->hits;

    buf_add(hits, ",", scan->nhits ? 1 : 0);

    if (before) {
        buf_add(hits, before->data, before->len);
    }

    buf_add(hits, entry->entry, entry->len);
    buf_add(hits, "}", before ? 1 : 0);

    scan->nhits++;
}


static void
search_scan_damaged(entries_t *entries)
{
    if (entries->damaged) {
        log_error("property \"%s\": the segment of entry %" PRIu64
                  " is damaged, a search left it out", entries->property,
                  entries->damaged);
        entries->damaged = 0;
    }
}


/* whether the entry ends the search of the thread, or its page */
static search_scan_result_e
search_scan_entry(search_scan_t *scan, const thread_entry_t *entry,
    const buf_t *before, int *old)
{
    scan->entries++;
    scan->bytes += entry->len;

    switch (match_entry(&scan->match, entry)) {

    case MATCH_YES:
        search_scan_hit(scan, entry, before);

        return scan->nhits >= scan->limit || scan->hits.len > SEARCH_SCAN_PAGE
               ? SEARCH_SCAN_FULL : SEARCH_SCAN_DONE;

    case MATCH_OLD:
        *old = 1;
        return SEARCH_SCAN_DONE;

    case MATCH_ERROR:
        return SEARCH_SCAN_FAILED;

    default:
        return SEARCH_SCAN_DONE;
    }
}


search_scan_result_e
search_scan_thread(search_scan_t *scan, const ll_str_t *property,
    uint64_t first, uint64_t last, const buf_t *before, uint64_t *next)
{
    int                   rc, old;
    char                  id[LL_ID_MAX + 1];
    entries_t             entries;
    thread_entry_t        entry;
    search_scan_result_e  result;

    memcpy(id, property->data, property->len);
    id[property->len] = '\0';

    entries_init(&entries, scan->conn, id, first, last, 1);
    entries.ahead = 1;

    *next = last + 1;
    result = SEARCH_SCAN_DONE;
    old = 0;
    rc = 0;

    while (result == SEARCH_SCAN_DONE && !old) {

        if (entries_left(&entries) && search_scan_full(scan)) {
            result = SEARCH_SCAN_FULL;
            break;
        }

        rc = entries_next(&entries, &entry);
        search_scan_damaged(&entries);

        if (rc != 1) {
            break;
        }

        *next = entry.seq;
        result = search_scan_entry(scan, &entry, before, &old);
    }

    entries_free(&entries);

    if (rc == -1 || buf_failed(&scan->hits)) {
        return SEARCH_SCAN_FAILED;
    }

    return result == SEARCH_SCAN_FULL && *next <= first ? SEARCH_SCAN_DONE
                                                        : result;
}


void
search_scan_free(search_scan_t *scan)
{
    match_free(&scan->match);
    buf_free(&scan->hits);
}
