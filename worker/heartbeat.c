
/*
 * Sends heartbeats, and logs what Redis refuses.  loop_t owns the heartbeat.
 */

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "common/version.h"
#include "heartbeat.h"
#include "log.h"
#include "store_library.h"


/* a refusal is logged at once, then at this interval */
#define HEARTBEAT_REMIND_MS  60000

/* begins the reply of ll1_beat if the data has another layout */
#define HEARTBEAT_LAYOUT     "LAYOUT "


void
heartbeat_init(heartbeat_t *heartbeat, work_t *work,
    const consumer_t *consumer, const options_t *options)
{
    memset(heartbeat, 0, sizeof(heartbeat_t));

    heartbeat->work = work;
    heartbeat->consumer = consumer;
    heartbeat->options = options;
    heartbeat->started = clock_now() / 1000;
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


/* makes the record: counters and configuration */
static void
heartbeat_record(const heartbeat_t *heartbeat, buf_t *record)
{
    char              text[160];
    const options_t  *options = heartbeat->options;

    stats_encode(record, heartbeat->work->stats);

    (void) snprintf(text, sizeof(text),
                    " version:%s library:%ld queues:%u reads:%llx batch:%u "
                    "claim:%lld started:%lld",
                    LEASELOFT_VERSION, store_library_revision(),
                    options->queues,
                    (unsigned long long) heartbeat->consumer->queues,
                    options->batch, (long long) options->claim_ms,
                    (long long) heartbeat->started);
    buf_adds(record, text);
}


conn_result_e
heartbeat_send(heartbeat_t *heartbeat)
{
    buf_t           record = BUF_INIT;
    int64_t         sent;
    store_t        *store = &heartbeat->work->store;
    redisReply     *reply;
    store_beat_t    beat;
    conn_result_e   result;

    heartbeat_record(heartbeat, &record);
    reply = NULL;
    sent = clock_monotonic();

    if (!buf_failed(&record)
        && store_beat(store, heartbeat->options->name, &record) == 0)
    {
        reply = store_recv(store);
    }

    result = conn_result(reply);

    if (result == CONN_OK) {
        heartbeat->healthy = clock_monotonic();
        heartbeat_fail(heartbeat, "");

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

    } else if (reply != NULL) {
        heartbeat_fail(heartbeat, reply->str);
    }

    freeReplyObject(reply);
    buf_free(&record);

    return result;
}


int
heartbeat_refused(const heartbeat_t *heartbeat)
{
    return heartbeat->refused[0] != '\0';
}


void
heartbeat_stop(heartbeat_t *heartbeat)
{
    buf_t     none = BUF_INIT;
    store_t  *store = &heartbeat->work->store;

    if (store_beat(store, heartbeat->options->name, &none) == 0) {
        freeReplyObject(store_recv(store));
    }
}
