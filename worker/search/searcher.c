
/*
 * The loop of a searcher.  The worker has loaded the functions in Redis, and
 * checked the layout of the data, before it starts one.  While Redis fails, the
 * loop connects and opens the lane again, with delays.
 *
 * In a cluster, the lane is on one primary, and what is read is on others, each
 * with a connection.
 */

#include <string.h>

#include "backoff.h"
#include "chain.h"
#include "clock.h"
#include "cluster.h"
#include "common/keys.h"
#include "lane.h"
#include "log.h"
#include "search_threads.h"
#include "searcher.h"
#include "unpack.h"


/* how long a searcher waits for a request before it looks at *quit */
#define SEARCHER_BLOCK_MS  250


/* how long a primary of a cluster may take: shorter than the lane expires */
#define SEARCHER_LIMIT_MS  1000


typedef struct {
    cluster_t   *cluster;          /* NULL: a single server */
    conn_t      *conn;             /* in a cluster, that of the lane */
    store_t      store;
    lane_t       lane;
    backoff_t    backoff;
    int          open;             /* the lane, on this connection */
} searcher_t;


/* in a cluster: finds the primary of the lane: 0, or -1 */
static int
searcher_find(searcher_t *searcher)
{
    char    key[LL_KEY_MAX];
    size_t  len;

    len = ll_keys_search(key);
    searcher->conn = cluster_refresh(searcher->cluster) == 0
                     ? cluster_conn_of(searcher->cluster, key, len) : NULL;
    searcher->lane.conn = searcher->conn;

    return searcher->conn != NULL ? 0 : -1;
}


/* connects: 0, or -1 */
static int
searcher_connect(searcher_t *searcher)
{
    const char  *why;

    if (searcher->cluster != NULL) {
        if (searcher_find(searcher) == 0) {
            return 0;
        }

        why = cluster_error(searcher->cluster);

    } else {
        if (conn_alive(searcher->conn) || conn_open(searcher->conn) == 0) {
            return 0;
        }

        why = conn_error(searcher->conn);
    }

    if (searcher->backoff.limit == 0) {
        log_error("a searcher can't connect to redis: \"%s\", retrying", why);
    }

    return -1;
}


/* connects and opens the lane: 0, or -1 */
static int
searcher_open(searcher_t *searcher)
{
    if (searcher_connect(searcher) == -1) {
        if (searcher->cluster == NULL) {
            conn_close(searcher->conn);
        }

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

    /* perhaps a slot has moved */

    if (searcher->cluster != NULL && result == SEARCH_THREADS_FAILED) {
        (void) cluster_refresh(searcher->cluster);
    }

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


/* 0, or -1 if memory is short */
static int
searcher_init(searcher_t *searcher, const server_t *redis, const char *name)
{
    memset(searcher, 0, sizeof(searcher_t));

    if (redis->url.kind == LL_REDIS_URL_CLUSTER) {
        searcher->cluster = cluster_create(redis, name);

        if (searcher->cluster == NULL) {
            return -1;
        }

        cluster_set_limit(searcher->cluster, SEARCHER_LIMIT_MS);

    } else {
        searcher->conn = conn_create(redis, name);

        if (searcher->conn == NULL) {
            return -1;
        }
    }

    store_init(&searcher->store, searcher->conn, NULL);
    searcher->store.cluster = searcher->cluster;
    lane_init(&searcher->lane, searcher->conn);

    return 0;
}


int
searcher_run(const server_t *redis, const char *name,
    volatile sig_atomic_t *quit)
{
    searcher_t  searcher;

    if (searcher_init(&searcher, redis, name) == -1) {
        log_alert("out of memory");
        return 1;
    }

    while (!*quit) {
        searcher_turn(&searcher);
    }

    lane_free(&searcher.lane);
    store_free(&searcher.store);

    if (searcher.cluster == NULL) {
        conn_free(searcher.conn);
    }

    cluster_free(searcher.cluster);
    unpack_cleanup();
    chain_cleanup();

    return 0;
}
