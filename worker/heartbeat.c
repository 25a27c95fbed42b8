
/*
 * Sends heartbeats, and logs what Redis refuses.  loop_t owns the heartbeat.
 */

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "common/version.h"
#include "heartbeat.h"
#include "log.h"
#include "slot_map.h"
#include "store_library.h"


/* a refusal is logged at once, then at this interval */
#define HEARTBEAT_REMIND_MS  60000

/* begins the reply of ll1_beat if the data has another layout */
#define HEARTBEAT_LAYOUT     "LAYOUT "


void
heartbeat_init(heartbeat_t *heartbeat, work_t *work,
    const consumer_t *consumer, const options_t *options,
    const crew_seat_t *seat)
{
    memset(heartbeat, 0, sizeof(heartbeat_t));

    heartbeat->work = work;
    heartbeat->consumer = consumer;
    heartbeat->options = options;
    heartbeat->seat = seat;
    heartbeat->started = seat != NULL ? seat->crew->started
                                      : clock_now() / 1000;
}


/* notes and logs why Redis refuses the heartbeat; "": it does not */
static void
heartbeat_fail(heartbeat_t *heartbeat, const char *why)
{
    int64_t  now;

    now = clock_monotonic();

    if (why[0] != '\0'
        && (strncmp(heartbeat->why, why, HEARTBEAT_REFUSED - 1) != 0
            || now >= heartbeat->remind_at))
    {
        log_error("redis refuses this worker's heartbeat: \"%.200s\"", why);
        heartbeat->remind_at = now + HEARTBEAT_REMIND_MS;
    }

    (void) snprintf(heartbeat->why, HEARTBEAT_REFUSED, "%s", why);
}


/*
 * Notes and logs why this worker takes no requests: commands that its user may
 * not run, or "LAYOUT N"; "": it takes them.
 */
static void
heartbeat_refuse(heartbeat_t *heartbeat, const char *what)
{
    int64_t  now;

    now = clock_monotonic();

    if (what[0] == '\0') {
        if (heartbeat->refused[0] != '\0') {
            log_notice("this worker takes requests now");
        }

    } else if (strncmp(heartbeat->refused, what, HEARTBEAT_REFUSED - 1) != 0
               || now >= heartbeat->remind_at)
    {
        if (strncmp(what, HEARTBEAT_LAYOUT, sizeof(HEARTBEAT_LAYOUT) - 1) == 0)
        {
            log_error("redis has data of layout \"%.32s\", this worker needs "
                      "layout " LL_LAYOUT ", taking no requests: run the "
                      "version that wrote the data, or set another --prefix",
                      what + sizeof(HEARTBEAT_LAYOUT) - 1);
        } else {
            log_error("this worker's redis user lacks rights, taking no "
                      "requests: \"%.200s\"", what);
        }

        heartbeat->remind_at = now + HEARTBEAT_REMIND_MS;
    }

    (void) snprintf(heartbeat->refused, HEARTBEAT_REFUSED, "%s", what);
}


void
heartbeat_refuse_layout(heartbeat_t *heartbeat, const char *layout)
{
    char  what[HEARTBEAT_REFUSED];

    (void) snprintf(what, sizeof(what), HEARTBEAT_LAYOUT "%.32s", layout);
    heartbeat_refuse(heartbeat, what);
}


/* makes the record: counters and configuration */
static void
heartbeat_record(heartbeat_t *heartbeat, buf_t *record)
{
    char                text[160];
    stats_t             sum;
    uint64_t            reads;
    const options_t    *options = heartbeat->options;
    const crew_seat_t  *seat = heartbeat->seat;

    sum = *heartbeat->work->stats;
    reads = heartbeat->consumer->queues;

    if (seat != NULL) {
        crew_sum(seat->crew, &sum);
        reads |= peers_queues(&seat->crew->peers);
    }

    heartbeat->reads = reads;
    stats_encode(record, &sum);

    (void) snprintf(text, sizeof(text),
                    " version:%s library:%ld queues:%u reads:%llx batch:%u "
                    "claim:%lld started:%lld",
                    LEASELOFT_VERSION, store_library_revision(),
                    options->queues,
                    (unsigned long long) reads,
                    options->batch, (long long) options->claim_ms,
                    (long long) heartbeat->started);
    buf_adds(record, text);
}


/* the queue that the records are beside; -1: the primary has none */
static int
heartbeat_home(const heartbeat_t *heartbeat)
{
    return heartbeat->seat != NULL
           ? route_home(heartbeat->work->store.route) : 0;
}


/* sends the record and returns the reply, or NULL */
static redisReply *
heartbeat_call(heartbeat_t *heartbeat)
{
    int          home;
    buf_t        record = BUF_INIT;
    store_t     *store = &heartbeat->work->store;
    redisReply  *reply;

    home = heartbeat_home(heartbeat);

    if (home == -1) {
        heartbeat->reads = peers_queues(&heartbeat->seat->crew->peers);
        args_reset(&store->args);
        args_lit(&store->args, "TIME");

        return conn_call(store->conn, &store->args);
    }

    heartbeat_record(heartbeat, &record);
    reply = NULL;

    if (!buf_failed(&record)
        && store_beat(store, (unsigned) home, heartbeat->options->name,
                      &record)
           == 0)
    {
        reply = store_recv_by(store, store->way);
    }

    buf_free(&record);

    return reply;
}


conn_result_e
heartbeat_send(heartbeat_t *heartbeat)
{
    int64_t         sent;
    redisReply     *reply;
    store_beat_t    beat;
    conn_result_e   result;

    sent = clock_monotonic();
    reply = heartbeat_call(heartbeat);
    result = conn_result(reply);

    if (result == CONN_OK) {
        heartbeat->healthy = clock_monotonic();
        heartbeat_fail(heartbeat, "");

        if (heartbeat->seat != NULL) {
            peers_answered(crew_peer(heartbeat->seat),
                           heartbeat->consumer->queues);
        }

        if (store_beat_read(reply, &beat) == 0) {
            heartbeat->queues = beat.queues;
            heartbeat->place = beat.place;
            heartbeat->workers = beat.workers;
            job_set_time(heartbeat->work, beat.now, sent, heartbeat->healthy);
            heartbeat_refuse(heartbeat, beat.refused);
        }

    } else if (reply != NULL
               && (strncmp(reply->str, "NOPERM ", 7) == 0
                   || strncmp(reply->str, HEARTBEAT_LAYOUT,
                              sizeof(HEARTBEAT_LAYOUT) - 1) == 0))
    {
        heartbeat_refuse(heartbeat, reply->str);

    } else if (reply != NULL && !slot_map_is_away(reply)) {
        heartbeat_fail(heartbeat, reply->str);
    }

    freeReplyObject(reply);

    return result;
}


int
heartbeat_has_news(const heartbeat_t *heartbeat)
{
    return heartbeat->seat != NULL
           && (peers_queues(&heartbeat->seat->crew->peers)
               & ~heartbeat->reads) != 0;
}


int
heartbeat_refused(const heartbeat_t *heartbeat)
{
    return heartbeat->refused[0] != '\0';
}


void
heartbeat_stop(heartbeat_t *heartbeat)
{
    int       home;
    buf_t     none = BUF_INIT;
    store_t  *store = &heartbeat->work->store;

    home = heartbeat_home(heartbeat);

    if (home != -1
        && store_beat(store, (unsigned) home, heartbeat->options->name, &none)
           == 0)
    {
        freeReplyObject(store_recv_by(store, store->way));
    }
}
