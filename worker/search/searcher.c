
/*
 * The loop of a searcher.  The worker has loaded the functions in Redis, and
 * checked the layout of the data, before it starts one.  While Redis fails, the
 * loop connects and opens the lane again, with delays.
 */

#include "backoff.h"
#include "chain.h"
#include "clock.h"
#include "lane.h"
#include "log.h"
#include "search_threads.h"
#include "searcher.h"
#include "unpack.h"


/* how long a searcher waits for a request before it looks at *quit */
#define SEARCHER_BLOCK_MS  250


typedef struct {
    conn_t      *conn;
    store_t      store;
    lane_t       lane;
    backoff_t    backoff;
    int          open;             /* the lane, on this connection */
} searcher_t;


/* connects and opens the lane: 0, or -1 */
static int
searcher_open(searcher_t *searcher)
{
    if (!conn_alive(searcher->conn) && conn_open(searcher->conn) == -1) {
        if (searcher->backoff.limit == 0) {
            log_error("a searcher can't connect to redis: \"%s\", retrying",
                      conn_error(searcher->conn));
        }

        conn_close(searcher->conn);
        return -1;
    }

    return lane_open(&searcher->lane, searcher->backoff.limit != 0);
}


/* 0, or -1 if Redis fails */
static int
searcher_search(searcher_t *searcher, const lane_request_t *request)
{
    int                       rc;
    buf_t                     body = BUF_INIT;
    unsigned                  status;
    search_threads_result_e   result;

    result = search_threads_page(&body, &searcher->store, request->user,
                                 &request->property, &request->search);

    status = result == SEARCH_THREADS_DONE ? 200
             : result == SEARCH_THREADS_NONE ? 404 : 503;

    if (status != 200) {
        buf_reset(&body);
    }

    rc = conn_alive(searcher->conn)
         ? lane_answer(&searcher->store, request, status, &body) : -1;

    buf_free(&body);

    return rc;
}


static void
searcher_turn(searcher_t *searcher)
{
    int             rc;
    lane_request_t  request;

    if (searcher->open && conn_moved(searcher->conn)) {
        searcher->open = 0;
    }

    if (!searcher->open) {
        if (searcher_open(searcher) == -1) {
            clock_sleep(backoff_next(&searcher->backoff));
            return;
        }

        searcher->open = 1;
    }

    rc = lane_read(&searcher->lane, &request, SEARCHER_BLOCK_MS);

    if (rc == 1) {
        rc = searcher_search(searcher, &request);
    }

    if (rc == -1) {
        searcher->open = 0;
        clock_sleep(backoff_next(&searcher->backoff));

    } else {
        backoff_reset(&searcher->backoff);
    }
}


int
searcher_run(const server_t *redis, const char *name,
    volatile sig_atomic_t *quit)
{
    searcher_t  searcher;

    searcher.open = 0;
    backoff_reset(&searcher.backoff);

    searcher.conn = conn_create(redis, name);
    if (searcher.conn == NULL) {
        log_alert("out of memory");
        return 1;
    }

    store_init(&searcher.store, searcher.conn);
    lane_init(&searcher.lane, searcher.conn);

    while (!*quit) {
        searcher_turn(&searcher);
    }

    lane_free(&searcher.lane);
    store_free(&searcher.store);
    conn_free(searcher.conn);
    unpack_cleanup();
    chain_cleanup();

    return 0;
}
