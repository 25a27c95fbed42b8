
/*
 * The lane of searches, beside the queues of the workers (docs/data.md): a
 * stream that exists only while there are searchers, and that holds a bounded
 * number of requests.  A request is taken once and never again: if its searcher
 * dies, the client repeats the search.
 */


#ifndef LANE_H
#define LANE_H


#include "common/search.h"
#include "conn.h"
#include "store.h"


typedef struct {
    conn_t      *conn;             /* the caller's */
    args_t       args;
    redisReply  *reply;            /* what a request points into */
    int64_t      extend_at;        /* by clock_monotonic() */
    int64_t      now;              /* time of Redis in ms; 0: unknown */
} lane_t;


typedef struct {
    char         user[LL_ID_MAX + 1];
    ll_str_t     property;         /* len 0: all threads of the user */
    ll_search_t  search;
    ll_str_t     nginx;            /* who waits for the result */
    uint64_t     number;
} lane_request_t;


/* Initializes a lane that uses the connection. */
void lane_init(lane_t *lane, conn_t *conn);

/* Frees what the lane owns; requests are invalid then. */
void lane_free(lane_t *lane);

/*
 * Creates the lane, on each new connection.  Returns 0, or -1 if Redis fails;
 * the reason is logged unless the attempt is a repeated one.
 */
int lane_open(lane_t *lane, int repeated);

/*
 * Waits for a request for up to ms milliseconds.  Returns 1, 0 if there is none
 * or if it is malformed or too old, or -1 if Redis fails; the lane is to be
 * opened again then.  The request is valid until the next call.
 */
int lane_read(lane_t *lane, lane_request_t *request, int64_t ms);

/* Publishes the result of a request.  Returns 0, or -1 if Redis fails. */
int lane_answer(store_t *store, const lane_request_t *request, unsigned status,
    const buf_t *body);


#endif /* LANE_H */
