
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
 * In a cluster, this is the loop of a process that serves one primary
 * (processes.h).  Each second it reads which queues the primary has.  It also
 * pays debts to other primaries (store_owed.h).
 */

#include "claim.h"
#include "clock.h"
#include "common/version.h"
#include "consumer_queues.h"
#include "consumer_share.h"
#include "due.h"
#include "log.h"
#include "loop.h"
#include "loop_parts.h"
#include "loop_status.h"
#include "mode.h"
#include "notify.h"
#include "store_library.h"


#define LOOP_BEAT_MS      1000
#define LOOP_DUE_MS       250
#define LOOP_BLOCK_MS     250
#define LOOP_TICKS        128

/* debts that are paid at a time, and how often they are looked for */
#define LOOP_DEBTS        64
#define LOOP_DEBTS_MS     500

/* how often to look for other queues and for idle consumers */
#define LOOP_TIDY_MS      5000

/* claims need a write that succeeded so recently: while Redis refuses writes,
   requests stay pending although their workers live */
#define LOOP_HEALTHY_MS   2500


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


/* finds the queues of the primary in a cluster, creates the queues: 0, or -1 */
static int
loop_queues(loop_t *loop)
{
    if (loop->route != NULL && loop_parts_take_queues(loop) == -1) {
        return -1;
    }

    return consumer_queues_create(&loop->consumer);
}


/* loads the functions, creates the queues: 0, or -1 */
static int
loop_prepare(loop_t *loop)
{
    return loop_load(loop) == 0 ? loop_queues(loop) : -1;
}


/* waits before a retry, and keeps others from claiming the requests */
static void
loop_refused(loop_t *loop, work_result_e result)
{
    if (loop->backoff.limit == 0) {
        log_warn("redis refuses to write, retrying");
    }

    loop->work.stats->retries++;

    clock_sleep(backoff_next(&loop->backoff));

    /* after a failover the cached states may be wrong */

    property_cache_forget(loop->work.properties);

    if (result == WORK_NO_LIBRARY) {
        (void) loop_prepare(loop);
    }

    /* the queue that debts are beside may have moved */

    if (loop->route != NULL) {
        (void) loop_parts_take_queues(loop);
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

    loop->work.stats->batches += batch->n != 0;
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

    if (loop->pipeline.open.n <= LOOP_PARTS_PROPERTIES) {
        property_cache_trim(loop->work.properties);
    }

    loop->work.stats->busy_us += (uint64_t) (clock_microseconds() - start);
}


/* opens and closes leases that are due, up to LOOP_TICKS at a time */
static void
loop_due(loop_t *loop)
{
    batch_t  batch = BATCH_INIT;

    due_read(&loop->work, &batch,
             loop->route != NULL ? route_queues(loop->route) : 1, LOOP_TICKS,
             &loop->next_due);

    /* if there may be more, continue after the next requests */

    loop->due_at = loop->next_due == 0 ? 0 : loop->due_at;

    loop_work(loop, &batch);
}


/* pays debts that can be paid */
static void
loop_debts(loop_t *loop)
{
    batch_t  batch = BATCH_INIT;

    due_read_debts(&loop->work, &batch, route_queues(loop->route), LOOP_DEBTS,
                   &loop->debts_after);

    loop->debts_at = clock_monotonic()
                     + (loop->debts_after != 0 ? 0 : LOOP_DEBTS_MS);

    loop_work(loop, &batch);
}


/* opens a connection: 0, or -1 */
static int
loop_connect(loop_t *loop)
{
    const char  *why;

    property_cache_forget(loop->work.properties);
    consumer_prefetch_drop(&loop->consumer);

    if (loop->route != NULL) {
        route_reset(loop->route);
    }

    loop->connected = 0;
    loop->ready = 0;

    why = conn_open(loop->conn) == -1 ? conn_error(loop->conn)
          : loop->route == NULL && mode_is_cluster(loop->conn)
          ? MODE_CLUSTER : NULL;

    if (why != NULL) {
        if (loop->backoff.limit == 0) {
            log_error("can't connect to redis: \"%s\", retrying", why);
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
    int      rc, other;
    batch_t  batch = BATCH_INIT;

    /* prefetched requests are pending too, and are recovered below */

    consumer_prefetch_drop(&loop->consumer);

    rc = loop_load(loop);

    /* a heartbeat is beside the home queue */

    if (rc == 0 && loop->route != NULL) {
        rc = loop_parts_take_queues(loop);
    }

    other = rc == 0 ? loop_parts_look(loop) : 0;

    if (other == 1 || heartbeat_send(&loop->heartbeat) != CONN_OK
        || heartbeat_refused(&loop->heartbeat) || rc == -1 || other == -1
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
        loop->work.stats->reconnects++;
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

    ms = loop->adopting ? 1 : LOOP_BLOCK_MS;

    left = loop->beat_at - clock_monotonic();
    ms = left < ms ? left : ms;

    if (loop->next_due != CLOCK_NEVER) {
        left = loop->next_due - job_now(&loop->work);
        ms = left < ms ? left : ms;
    }

    if (loop->route != NULL) {
        left = loop->debts_at - clock_monotonic();
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
           || loop->next_due <= job_now(&loop->work) || loop->adopting
           || seal_wait(&loop->work.seal) == 0
           || (loop->route != NULL && now >= loop->debts_at)
           || consumer_share_wait(&loop->consumer) == 0
           || (now >= loop->claim_at && loop_healthy(loop, now));
}


/* finds queues beyond --queues, and deletes idle consumers */
static void
loop_tidy(loop_t *loop)
{
    if (loop->route == NULL) {
        (void) consumer_queues_find(&loop->consumer);
    }

    (void) consumer_queues_sweep(&loop->consumer);

    loop->adopting |= loop->route != NULL || loop->adopt.layouts != 0;
}


/* sends a heartbeat, and takes up what it says */
static void
loop_beat(loop_t *loop, int64_t now)
{
    loop->beat_at = now + LOOP_BEAT_MS;

    if (loop->route != NULL) {
        (void) loop_parts_take_queues(loop);
    }

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

    if (loop->route == NULL) {
        (void) consumer_queues_widen(&loop->consumer,
                                     loop->heartbeat.queues);
    }

    consumer_share_deal(&loop->consumer, loop->heartbeat.place,
                        loop->heartbeat.workers);
}


static void
loop_turn(loop_t *loop)
{
    int64_t  now;

    now = clock_monotonic();

    if (now >= loop->beat_at || heartbeat_has_news(&loop->heartbeat)) {
        loop_beat(loop, now);
    }

    if (!loop->ready) {
        return;
    }

    (void) consumer_share_watch(&loop->consumer);

    if (now >= loop->tidy_at) {
        loop->tidy_at = now + LOOP_TIDY_MS;
        loop_tidy(loop);
    }

    if (loop->adopting) {
        loop_parts_adopt(loop);
    }

    if (now >= loop->due_at || loop->next_due <= job_now(&loop->work)) {
        loop->due_at = now + LOOP_DUE_MS;
        loop_due(loop);
    }

    if (loop->route != NULL && now >= loop->debts_at
        && !consumer_prefetching(&loop->consumer))
    {
        loop_debts(loop);
    }

    if (!consumer_prefetching(&loop->consumer)
        && now >= loop->claim_at && loop_healthy(loop, now))
    {
        loop->claim_at = now + loop->options->claim_ms / 4;
        loop_claim(loop);
    }

    if (!consumer_prefetching(&loop->consumer)) {
        loop->work.stats->segments += seal_run(&loop->work.seal,
                                               &loop->work.store);
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
    volatile sig_atomic_t *quit, const crew_seat_t *seat)
{
    loop_t  loop;

    if (loop_parts_init(&loop, options, seat) == -1) {
        loop_parts_free(&loop);
        return 1;
    }

    loop.searchers = searchers;
    loop.quit = quit;
    loop.pipeline.on_read = loop_prefetch;
    loop.pipeline.on_read_data = &loop;

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
    loop_parts_free(&loop);

    return 0;
}
