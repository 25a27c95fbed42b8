
/*
 * The main loop: one thread and one connection to Redis.  A turn of the loop
 * sends a heartbeat each second, opens and closes leases that are due (checked
 * at least every 250 ms), claims stale requests, and then blocks for new
 * requests until the next of these is due.  Between batches it seals old
 * entries (seal.h).
 *
 * A worker whose Redis user lacks a right takes no requests, as it could not
 * finish them; other workers may.  It reports the missing commands in its
 * heartbeat, and starts once it has the rights.
 *
 * When Redis refuses writes (out of memory, loading, read-only), the batch is
 * retried.  When the connection breaks, the batch is dropped: on the next
 * connection the worker takes back the requests that are pending for it.
 *
 * loop_t owns the connection, the store, the consumer and the properties.
 */

#include <stdlib.h>
#include <string.h>

#include "backoff.h"
#include "chain.h"
#include "claim.h"
#include "clock.h"
#include "common/version.h"
#include "consumer.h"
#include "consumer_queues.h"
#include "consumer_share.h"
#include "due.h"
#include "heartbeat.h"
#include "log.h"
#include "loop.h"
#include "loop_status.h"
#include "notify.h"
#include "pipeline.h"
#include "replicas.h"
#include "store_library.h"
#include "unpack.h"


#define LOOP_BEAT_MS      1000
#define LOOP_DUE_MS       250
#define LOOP_BLOCK_MS     250
#define LOOP_TICKS        128

/* how often to look for other queues and for idle consumers */
#define LOOP_TIDY_MS      5000

/* cached properties, of 2.9 kB each.  A cache miss costs a call to Redis: with
   messages to 5,000 properties in turn and a smaller cache, a message took the
   worker 37 us instead of 26 */
#define LOOP_PROPERTIES   32768

/* claims need a write that succeeded so recently: while Redis refuses writes,
   requests stay pending although their workers live */
#define LOOP_HEALTHY_MS   2500


typedef struct {
    const options_t        *options;
    volatile sig_atomic_t  *quit;
    conn_t                 *conn;
    work_t                  work;
    consumer_t              consumer;
    pipeline_t              pipeline;
    stats_t                 stats;
    backoff_t               backoff;
    int                     crashed;   /* 1 until the first recovery */
    int                     connected; /* logged, for this connection */
    int                     ready;     /* takes requests */
    heartbeat_t             heartbeat;
    searchers_t            *searchers;
    int64_t                 beat_at;   /* next time, by clock_monotonic() */
    int64_t                 due_at;
    int64_t                 claim_at;
    int64_t                 tidy_at;
    int64_t                 next_due;  /* by job_now(); or CLOCK_NEVER */
} loop_t;


/* loads the functions: 0, or -1 */
static int
loop_load(loop_t *loop)
{
    int   rc;
    char  why[HEARTBEAT_REFUSED];

    rc = store_library_load(&loop->work.store, why, sizeof(why));

    if (rc == -1 && why[0] != '\0') {
        log_error("redis refused to load the functions: \"%s\"", why);
    }

    return rc;
}


/* loads the functions, creates the queues: 0, or -1 */
static int
loop_prepare(loop_t *loop)
{
    return loop_load(loop) == 0 ? consumer_queues_create(&loop->consumer) : -1;
}


/* waits before a retry, and keeps others from claiming the requests */
static void
loop_refused(loop_t *loop, work_result_e result)
{
    if (loop->backoff.limit == 0) {
        log_warn("redis refuses to write, retrying");
    }

    loop->stats.retries++;

    clock_sleep(backoff_next(&loop->backoff));

    /* after a failover the cached states may be wrong */

    property_cache_forget(loop->work.properties);

    if (result == WORK_NO_LIBRARY) {
        (void) loop_prepare(loop);
    }

    (void) heartbeat_send(&loop->heartbeat);
    (void) pipeline_renew(&loop->pipeline);

    loop_status_report(LOOP_STATUS_REFUSED, loop->conn, &loop->heartbeat);
}


/* processes a batch, and what is left of the one before */
static void
loop_work(loop_t *loop, batch_t *batch)
{
    int64_t        start;
    work_result_e  result;

    if (batch->n == 0 && loop->pipeline.open.n == 0) {
        batch_free(batch);
        return;
    }

    loop->stats.batches += batch->n != 0;
    start = clock_microseconds();

    result = pipeline_run(&loop->pipeline, batch);

    while ((result == WORK_REFUSED || result == WORK_NO_LIBRARY)
           && !heartbeat_refused(&loop->heartbeat) && !*loop->quit)
    {
        loop_refused(loop, result);
        result = pipeline_retry(&loop->pipeline);
    }

    if (heartbeat_refused(&loop->heartbeat)) {

        /* the requests stay pending: another worker can claim them */

        consumer_prefetch_wait(&loop->consumer);
        loop->ready = 0;
    }

    if (result != WORK_DONE || !loop->ready) {
        pipeline_drop(&loop->pipeline);

    } else {
        backoff_reset(&loop->backoff);
    }

    /* properties of an open batch are the last that were used */

    if (loop->pipeline.open.n <= LOOP_PROPERTIES) {
        property_cache_trim(loop->work.properties);
    }

    loop->stats.busy_us += (uint64_t) (clock_microseconds() - start);
}


/* opens and closes leases that are due, up to LOOP_TICKS at a time */
static void
loop_due(loop_t *loop)
{
    batch_t  batch = BATCH_INIT;

    due_read(&loop->work, &batch, LOOP_TICKS, &loop->next_due);

    if (batch.n == LOOP_TICKS) {

        /* there may be more: continue after the next requests */

        loop->due_at = 0;
        loop->next_due = 0;
    }

    loop_work(loop, &batch);
}


/* opens a connection: 0, or -1 */
static int
loop_connect(loop_t *loop)
{
    property_cache_forget(loop->work.properties);
    consumer_prefetch_drop(&loop->consumer);

    loop->connected = 0;
    loop->ready = 0;

    if (conn_open(loop->conn) == -1) {
        if (loop->backoff.limit == 0) {
            log_error("can't connect to redis: \"%s\", retrying",
                      conn_error(loop->conn));
        }

        conn_close(loop->conn);
        return -1;
    }

    return 0;
}


/*
 * Starts to take requests, first those that are pending for this worker: 0, or
 * -1 if Redis refuses.  The heartbeat comes first, as it reports which rights
 * are missing and whether the layout is ours; it needs the functions.
 */
static int
loop_start(loop_t *loop)
{
    int      rc;
    batch_t  batch = BATCH_INIT;

    /* prefetched requests are pending too, and are recovered below */

    consumer_prefetch_drop(&loop->consumer);

    rc = loop_load(loop);

    if (heartbeat_send(&loop->heartbeat) != CONN_OK
        || heartbeat_refused(&loop->heartbeat) || rc == -1
        || consumer_queues_create(&loop->consumer) == -1)
    {
        if (!conn_alive(loop->conn) && loop->backoff.limit == 0) {
            log_error("can't use redis: \"%s\", retrying",
                      conn_error(loop->conn));
        }

        return -1;
    }

    if (claim_recover(&loop->consumer, &batch, loop->crashed) == -1) {
        dispatch_end(&loop->work, batch.jobs, batch.n);
        batch_free(&batch);
        return -1;
    }

    if (!loop->connected) {
        log_notice("connected to redis");
        loop->stats.reconnects++;
    }

    consumer_share_deal(&loop->consumer, loop->heartbeat.place,
                        loop->heartbeat.workers);

    loop->connected = 1;
    loop->ready = 1;
    loop->crashed = 0;
    loop->beat_at = clock_monotonic() + LOOP_BEAT_MS;
    loop->due_at = 0;
    loop->tidy_at = 0;
    loop->claim_at = clock_monotonic() + loop->options->claim_ms / 4;

    searchers_keep(loop->searchers);
    loop_work(loop, &batch);

    return 0;
}


/* how long to block for requests, in ms */
static int64_t
loop_block(const loop_t *loop)
{
    int64_t  ms, left;

    ms = LOOP_BLOCK_MS;

    left = loop->beat_at - clock_monotonic();
    ms = left < ms ? left : ms;

    if (loop->next_due != CLOCK_NEVER) {
        left = loop->next_due - job_now(&loop->work);
        ms = left < ms ? left : ms;
    }

    left = seal_wait(&loop->work.seal);
    ms = left >= 0 && left < ms ? left : ms;

    left = consumer_share_wait(&loop->consumer);
    ms = left >= 0 && left < ms ? left : ms;

    return ms > 1 ? ms : 1;
}


static void
loop_claim(loop_t *loop)
{
    batch_t  batch = BATCH_INIT;

    (void) claim_stale(&loop->consumer, &batch);

    loop_work(loop, &batch);
}


/* waits for new requests, and processes them */
static void
loop_requests(loop_t *loop)
{
    batch_t  batch = BATCH_INIT, none = BATCH_INIT;

    if (!consumer_prefetching(&loop->consumer)
        && !consumer_has_queues(&loop->consumer))
    {
        /* sent with the next command, which is the look at the queues */

        (void) consumer_send_acks(&loop->consumer);
        backoff_reset(&loop->backoff);
        clock_sleep((unsigned) loop_block(loop));
        return;
    }

    if (consumer_read(&loop->consumer, &batch, loop_block(loop)) == 0) {
        backoff_reset(&loop->backoff);
        loop_work(loop, &batch);
        return;
    }

    loop_work(loop, &none);

    dispatch_end(&loop->work, batch.jobs, batch.n);
    batch_free(&batch);

    if (conn_alive(loop->conn)) {
        loop->ready = 0;
        clock_sleep(backoff_next(&loop->backoff));
    }
}


static int
loop_healthy(const loop_t *loop, int64_t now)
{
    return now < loop->heartbeat.healthy + LOOP_HEALTHY_MS;
}


/* 1 if anything else than new requests is due */
static int
loop_is_due(const loop_t *loop, int64_t now)
{
    return now >= loop->beat_at || now >= loop->due_at || now >= loop->tidy_at
           || loop->next_due <= job_now(&loop->work)
           || seal_wait(&loop->work.seal) == 0
           || consumer_share_wait(&loop->consumer) == 0
           || (now >= loop->claim_at && loop_healthy(loop, now));
}


/* finds queues beyond --queues, and deletes idle consumers */
static void
loop_tidy(loop_t *loop)
{
    (void) consumer_queues_find(&loop->consumer);
    (void) consumer_queues_sweep(&loop->consumer);
}


static void
loop_turn(loop_t *loop)
{
    int64_t  now;

    now = clock_monotonic();

    if (now >= loop->beat_at) {
        loop->beat_at = now + LOOP_BEAT_MS;

        /* without the functions nginx queues no request, so only the heartbeat
           notices that they are missing */

        if (heartbeat_send(&loop->heartbeat) == CONN_NO_LIBRARY) {
            (void) loop_prepare(loop);
        }

        if (heartbeat_refused(&loop->heartbeat)) {
            loop->ready = 0;
            searchers_stop(loop->searchers);

        } else {
            searchers_keep(loop->searchers);
        }

        (void) consumer_queues_widen(&loop->consumer, loop->heartbeat.queues);
        consumer_share_deal(&loop->consumer, loop->heartbeat.place,
                            loop->heartbeat.workers);
    }

    if (!loop->ready) {
        return;
    }

    (void) consumer_share_watch(&loop->consumer);

    if (now >= loop->tidy_at) {
        loop->tidy_at = now + LOOP_TIDY_MS;
        loop_tidy(loop);
    }

    if (now >= loop->due_at || loop->next_due <= job_now(&loop->work)) {
        loop->due_at = now + LOOP_DUE_MS;
        loop_due(loop);
    }

    if (!consumer_prefetching(&loop->consumer)
        && now >= loop->claim_at && loop_healthy(loop, now))
    {
        loop->claim_at = now + loop->options->claim_ms / 4;
        loop_claim(loop);
    }

    if (!consumer_prefetching(&loop->consumer)) {
        loop->stats.segments += seal_run(&loop->work.seal, &loop->work.store);
    }
}


/*
 * Sends the next read with other commands of a batch.  That saves a round trip
 * for each batch and, with "appendfsync always", an fsync.  No other command
 * can be sent until the reply is there, so anything due goes first.
 */
static int
loop_prefetch(void *data, int block)
{
    loop_t  *loop = data;

    if (*loop->quit || loop_is_due(loop, clock_monotonic())
        || !consumer_has_queues(&loop->consumer))
    {
        return 0;
    }

    return consumer_prefetch(&loop->consumer, block ? loop_block(loop) : 0);
}


static int
loop_init(loop_t *loop, const options_t *options, searchers_t *searchers,
    volatile sig_atomic_t *quit)
{
    memset(loop, 0, sizeof(loop_t));

    loop->options = options;
    loop->searchers = searchers;
    loop->quit = quit;
    loop->crashed = 1;
    loop->next_due = CLOCK_NEVER;

    loop->conn = conn_create(&options->redis, options->name);
    loop->work.properties = property_cache_create(LOOP_PROPERTIES);
    loop->work.stats = &loop->stats;
    loop->pipeline.work = &loop->work;
    loop->pipeline.consumer = &loop->consumer;
    loop->pipeline.on_read = loop_prefetch;
    loop->pipeline.on_read_data = loop;
    loop->work.clock_offset = clock_now() - clock_monotonic();

    if (loop->conn == NULL || loop->work.properties == NULL) {
        log_alert("out of memory");
        return -1;
    }

    seal_init(&loop->work.seal, options->seal_after, options->seal_size);
    replicas_init(&loop->work.replicas, options->replicas,
                  options->replica_ms);
    store_init(&loop->work.store, loop->conn);
    consumer_init(&loop->consumer, &loop->work, options->name,
                  options->queues, options->batch, options->claim_ms);
    heartbeat_init(&loop->heartbeat, &loop->work, &loop->consumer, options);

    return 0;
}


static void
loop_free(loop_t *loop)
{
    pipeline_drop(&loop->pipeline);
    consumer_free(&loop->consumer);
    badge_list_free(&loop->work.badges);
    property_cache_free(loop->work.properties);
    store_free(&loop->work.store);
    conn_free(loop->conn);
    pack_cleanup();
    unpack_cleanup();
    chain_cleanup();
}


/* what systemd is told */
static loop_status_e
loop_state(const loop_t *loop)
{
    if (loop->ready) {
        return LOOP_STATUS_TAKES;
    }

    return loop->backoff.limit ? LOOP_STATUS_FAILS : LOOP_STATUS_STARTS;
}


int
loop_run(const options_t *options, searchers_t *searchers,
    volatile sig_atomic_t *quit)
{
    loop_t  loop;

    if (loop_init(&loop, options, searchers, quit) == -1) {
        loop_free(&loop);
        return 1;
    }

    log_notice("worker \"%s\" starts: version %s, functions revision %ld",
               options->name, LEASELOFT_VERSION, store_library_revision());

    while (!*quit) {

        loop_status_report(loop_state(&loop), loop.conn, &loop.heartbeat);

        if (!conn_alive(loop.conn) && loop_connect(&loop) == -1) {
            clock_sleep(backoff_next(&loop.backoff));
            continue;
        }

        if (!loop.ready) {
            if (loop_start(&loop) == -1) {
                clock_sleep(backoff_next(&loop.backoff));
            }

        } else if (!consumer_prefetching(&loop.consumer)
                   && !conn_moved(loop.conn))
        {
            loop_turn(&loop);
        }

        if (conn_alive(loop.conn) && loop.ready) {
            loop_requests(&loop);
        }

        if (!conn_alive(loop.conn) && loop.ready && !*quit) {
            log_error("lost redis: \"%s\"", conn_error(loop.conn));
            loop.ready = 0;
        }
    }

    notify_stopping();

    if (conn_alive(loop.conn) && consumer_prefetching(&loop.consumer)) {
        loop_requests(&loop);
    }

    if (conn_alive(loop.conn)) {
        consumer_leave(&loop.consumer);
        heartbeat_stop(&loop.heartbeat);
    }

    log_notice("worker \"%s\" ends", options->name);
    loop_free(&loop);

    return 0;
}
