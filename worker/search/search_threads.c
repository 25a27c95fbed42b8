
/*
 * All threads are searched in the order of the inbox.  The cursor of a page has
 * the place of a thread in this order and, unless the thread was searched to
 * its end, the entry before which to continue there.  So threads that have not
 * changed meanwhile are searched once, wherever others have moved.  A cursor
 * gives no access: each thread that it leads to is searched only in the window
 * of the user.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "search_threads.h"
#include "store_search.h"


/* threads of a page, at most */
#define SEARCH_THREADS_MAX  64


typedef struct {
    store_t             *store;
    const char          *user;
    search_scan_t        scan;
    ll_search_cursor_t   cursor;   /* where the next page begins */
    buf_t                before;   /* of hits in the present thread */
} search_threads_t;


/* reads the window of a thread; the reply is to be freed.  As the read() */
static int
search_threads_window(store_t *store, const char *user,
    const ll_str_t *property, redisReply **reply, store_window_t *window)
{
    *reply = NULL;

    if (store_search_window(store, property, user) == 0) {
        *reply = store_recv(store);
    }

    return store_search_window_read(*reply, window);
}


/* next: as JSON, or NULL at the end */
static void
search_threads_body(buf_t *body, const search_scan_t *scan, const char *next)
{
    buf_lit(body, "{\"hits\":[");
    buf_add(body, scan->hits.data ? scan->hits.data : "", scan->hits.len);
    buf_lit(body, "],\"next\":");
    buf_adds(body, next ? next : "null");
    buf_lit(body, "}");
}


/* searches a thread before an entry */
static search_threads_result_e
search_threads_one(buf_t *body, store_t *store, const char *user,
    const ll_str_t *property, const ll_search_t *search)
{
    int                    rc;
    char                   text[24];
    uint64_t               next;
    redisReply            *reply;
    search_scan_t          scan;
    store_window_t         window;
    search_scan_result_e   result;

    rc = search_threads_window(store, user, property, &reply, &window);
    freeReplyObject(reply);

    if (rc != 1) {
        return rc == 0 ? SEARCH_THREADS_NONE : SEARCH_THREADS_FAILED;
    }

    if (window.last >= search->before) {
        window.last = search->before ? search->before - 1 : 0;
    }

    next = 0;
    result = SEARCH_SCAN_FAILED;

    if (search_scan_init(&scan, store->conn, search) == 0) {
        result = search_scan_thread(&scan, property, window.first, window.last,
                                    NULL, &next);
    }

    (void) snprintf(text, sizeof(text), "%" PRIu64, next);

    search_threads_body(body, &scan, result == SEARCH_SCAN_FULL ? text : NULL);
    search_scan_free(&scan);

    return result == SEARCH_SCAN_FAILED || buf_failed(body)
           ? SEARCH_THREADS_FAILED : SEARCH_THREADS_DONE;
}


/* searches the thread of the cursor before an entry; 0: all of it */
static search_scan_result_e
search_threads_next(search_threads_t *threads, uint64_t before)
{
    int                    rc;
    uint64_t               last;
    redisReply            *reply;
    store_window_t         window;
    const ll_str_t        *property;
    search_scan_result_e   result;

    property = &threads->cursor.property;

    rc = search_threads_window(threads->store, threads->user, property, &reply,
                               &window);
    result = rc == -1 ? SEARCH_SCAN_FAILED : SEARCH_SCAN_DONE;

    if (rc == 1 && window.last >= window.first) {
        last = before && before <= window.last ? before - 1 : window.last;

        buf_reset(&threads->before);
        buf_lit(&threads->before, "{\"property\":\"");
        buf_add(&threads->before, property->data, property->len);
        buf_lit(&threads->before, "\",\"label\":");
        buf_add(&threads->before, window.label.data, window.label.len);
        buf_lit(&threads->before, ",\"entry\":");

        threads->scan.conn = threads->store->conn;
        result = buf_failed(&threads->before)
                 ? SEARCH_SCAN_FAILED
                 : search_scan_thread(&threads->scan, property, window.first,
                                      last, &threads->before,
                                      &threads->cursor.seq);
    }

    freeReplyObject(reply);

    if (result == SEARCH_SCAN_DONE) {
        threads->cursor.seq = 0;
    }

    return result;
}


static ll_str_t
search_threads_text(const redisReply *element)
{
    ll_str_t  text;

    text.data = element->str;
    text.len = element->len;

    return text;
}


/*
 * Searches threads after the place of the cursor, which moves along.  The page
 * is full unless these are the last ones; the places are in *reply, which is to
 * be freed.
 */
static search_scan_result_e
search_threads_all(search_threads_t *threads, redisReply **reply)
{
    int                    more;
    size_t                 i;
    uint64_t               at;
    ll_search_cursor_t    *cursor = &threads->cursor;
    const redisReply      *list;
    search_scan_result_e   result;

    if (store_search_inbox(threads->store, threads->user, SEARCH_THREADS_MAX,
                           &cursor->at, &cursor->property)
        == 0)
    {
        *reply = store_recv(threads->store);
    }

    list = store_search_inbox_read(*reply, &more);

    if (list == NULL) {
        return SEARCH_SCAN_FAILED;
    }

    for (i = 0; i + 1 < list->elements; i += 2) {

        if (i > 0 && search_scan_full(&threads->scan)) {
            return SEARCH_SCAN_FULL;
        }

        cursor->property = search_threads_text(list->element[i]);
        cursor->at = search_threads_text(list->element[i + 1]);
        cursor->seq = 0;

        if (!ll_id_valid(cursor->property.data, cursor->property.len)
            || ll_cursor_decode_seq(cursor->at.data, cursor->at.len, &at) != 0)
        {
            return SEARCH_SCAN_FAILED;
        }

        result = search_threads_next(threads, 0);

        if (result != SEARCH_SCAN_DONE) {
            return result;
        }
    }

    return more ? SEARCH_SCAN_FULL : SEARCH_SCAN_DONE;
}


static search_threads_result_e
search_threads_inbox(buf_t *body, store_t *store, const char *user,
    const ll_search_t *search)
{
    char                   next[LL_SEARCH_CURSOR_MAX + 3];
    size_t                 len;
    redisReply            *reply;
    search_threads_t       threads;
    search_scan_result_e   result;

    memset(&threads, 0, sizeof(search_threads_t));

    threads.store = store;
    threads.user = user;
    threads.cursor = search->cursor;

    result = search_scan_init(&threads.scan, store->conn, search) == 0
             ? SEARCH_SCAN_DONE : SEARCH_SCAN_FAILED;
    reply = NULL;

    if (result == SEARCH_SCAN_DONE && threads.cursor.seq) {
        result = search_threads_next(&threads, threads.cursor.seq);

        if (result == SEARCH_SCAN_DONE && search_scan_full(&threads.scan)) {
            result = SEARCH_SCAN_FULL;
        }
    }

    if (result == SEARCH_SCAN_DONE) {
        result = search_threads_all(&threads, &reply);
    }

    if (result == SEARCH_SCAN_FULL) {
        next[0] = '"';
        len = ll_search_cursor_encode(next + 1, &threads.cursor);
        memcpy(next + 1 + len, "\"", sizeof("\""));
    }

    search_threads_body(body, &threads.scan,
                        result == SEARCH_SCAN_FULL ? next : NULL);

    search_scan_free(&threads.scan);
    buf_free(&threads.before);
    freeReplyObject(reply);

    return result == SEARCH_SCAN_FAILED || buf_failed(body)
           ? SEARCH_THREADS_FAILED : SEARCH_THREADS_DONE;
}


search_threads_result_e
search_threads_page(buf_t *body, store_t *store, const char *user,
    const ll_str_t *property, const ll_search_t *search)
{
    return property->len
           ? search_threads_one(body, store, user, property, search)
           : search_threads_inbox(body, store, user, search);
}
