
/*
 * What the main loop owns and remembers; its parts are set up and freed here.
 */


#ifndef LOOP_PARTS_H
#define LOOP_PARTS_H


#include <signal.h>

#include "adopt.h"
#include "backoff.h"
#include "consumer.h"
#include "crew.h"
#include "heartbeat.h"
#include "pipeline.h"
#include "searchers.h"


/* cached properties, of 2.9 kB each.  A cache miss costs a call to Redis: with
   messages to 5,000 properties in turn and a smaller cache, a message took the
   worker 37 us instead of 26 */
#define LOOP_PARTS_PROPERTIES   32768

/* the most requests of a batch, in a cluster too */
#define LOOP_PARTS_BATCH  1024


typedef struct {
    const options_t        *options;
    volatile sig_atomic_t  *quit;
    conn_t                 *conn;
    work_t                  work;
    consumer_t              consumer;
    pipeline_t              pipeline;
    stats_t                 stats;     /* without a cluster */
    route_t                *route;     /* in a cluster, else NULL */
    const crew_seat_t      *seat;      /* likewise */
    backoff_t               backoff;
    int                     crashed;   /* 1 until the first recovery */
    int                     connected; /* logged, for this connection */
    int                     ready;     /* takes requests */
    heartbeat_t             heartbeat;
    adopt_t                 adopt;
    int                     adopting;  /* there may be due times to take over */
    searchers_t            *searchers;
    int64_t                 beat_at;   /* next time, by clock_monotonic() */
    int64_t                 due_at;
    int64_t                 claim_at;
    int64_t                 tidy_at;
    int64_t                 next_due;  /* by job_now(); or CLOCK_NEVER */
    int64_t                 debts_at;  /* when to look for debts */
    long long               debts_after;
                                       /* their scores; 0: all */
} loop_t;


/*
 * Sets up all but the searchers, the flag to quit and what is called back.
 * seat: of this process in a cluster, else NULL.  Returns 0, or -1 if memory is
 * short; loop_parts_free() is to be called in both cases.
 */
int loop_parts_init(loop_t *loop, const options_t *options,
    const crew_seat_t *seat);
void loop_parts_free(loop_t *loop);

/*
 * In a cluster: reads the map, and which of the primary's queues are to be
 * read.  Returns 0, or -1 if that fails.
 */
int loop_parts_take_queues(loop_t *loop);

/*
 * Looks for data of the other kind of Redis (adopt.h).  Returns 0; 1 if its
 * layout is not ours, so that the worker takes no requests; -1 if Redis does
 * not answer.
 */
int loop_parts_look(loop_t *loop);

/* Takes some of it over, and then looks for what is due. */
void loop_parts_adopt(loop_t *loop);


#endif /* LOOP_PARTS_H */
