
/*
 * A stream runs on an event of its channel, when its client has read some of
 * what was queued, and when it is due for a check: for a ping, at the token's
 * expiry, for a slow client, or to be drained.  Sending an event delays the
 * ping but does not move the stream in the timer; an extra check is cheaper.
 * The stream of a client that reads nothing or falls too far behind is closed.
 *
 * Streams end by a posted event, so that no stream is removed from a queue
 * during a loop over it.  Streams belong to their requests, the struct of all
 * streams to the process.
 */


#include "ngx_leaseloft_channel_watch.h"
#include "ngx_leaseloft_response.h"
#include "ngx_leaseloft_stream_bye.h"
#include "ngx_leaseloft_stream_hibernate.h"
#include "ngx_leaseloft_stream_run.h"
#include "ngx_leaseloft_stream_send.h"
#include "ngx_leaseloft_stream_tcp.h"
#include "ngx_leaseloft_stream_timer.h"
#include "ngx_leaseloft_wait.h"
#include "ngx_leaseloft_zone.h"


#define NGX_LEASELOFT_STREAM_RUN_CHECK_MAX           3600000
#define NGX_LEASELOFT_STREAM_RUN_START_TIMEOUT       5000
#define NGX_LEASELOFT_STREAM_RUN_RETRY_OVERLOAD_MIN  10000
#define NGX_LEASELOFT_STREAM_RUN_RETRY_OVERLOAD_MAX  60000


struct ngx_leaseloft_streams_s {
    ngx_leaseloft_process_t        *process;
    ngx_leaseloft_stream_timer_t    timer;     /* streams that have not ended */
    ngx_queue_t                     ending;
    ngx_event_t                     end;
    ngx_msec_t                      drained;   /* time of the last close */
    unsigned                        draining:1;
};


static void ngx_leaseloft_stream_run_check(ngx_rbtree_node_t *node);
static void ngx_leaseloft_stream_run_abort(ngx_leaseloft_stream_t *stream);
static void ngx_leaseloft_stream_run_end_handler(ngx_event_t *ev);


ngx_leaseloft_streams_t *
ngx_leaseloft_stream_run_create(ngx_leaseloft_process_t *process,
    ngx_pool_t *pool)
{
    ngx_leaseloft_streams_t  *streams;

    streams = ngx_pcalloc(pool, sizeof(ngx_leaseloft_streams_t));
    if (streams == NULL) {
        return NULL;
    }

    streams->process = process;

    ngx_leaseloft_stream_timer_init(&streams->timer,
                                    ngx_leaseloft_stream_run_check,
                                    process->log);
    ngx_queue_init(&streams->ending);

    streams->end.handler = ngx_leaseloft_stream_run_end_handler;
    streams->end.data = streams;
    streams->end.log = process->log;

    return streams;
}


void
ngx_leaseloft_stream_run_free(ngx_leaseloft_streams_t *streams)
{
    ngx_leaseloft_stream_timer_free(&streams->timer);
}


void
ngx_leaseloft_stream_run_each(ngx_leaseloft_streams_t *streams,
    void (*each)(ngx_leaseloft_stream_t *stream))
{
    ngx_queue_t              all, *q;
    ngx_rbtree_node_t       *node;
    ngx_leaseloft_stream_t  *stream;

    /* streams are scheduled only after the timer has been emptied */

    ngx_queue_init(&all);

    while ((node = ngx_leaseloft_stream_timer_take(&streams->timer))) {
        stream = ngx_rbtree_data(node, ngx_leaseloft_stream_t, wake);
        ngx_queue_insert_tail(&all, &stream->ending);
    }

    while (!ngx_queue_empty(&all)) {
        q = ngx_queue_head(&all);
        ngx_queue_remove(q);

        stream = ngx_queue_data(q, ngx_leaseloft_stream_t, ending);
        each(stream);

        ngx_leaseloft_stream_run_schedule(stream);
    }

    ngx_leaseloft_stream_timer_arm(&streams->timer);
}


void
ngx_leaseloft_stream_run_drain(ngx_leaseloft_streams_t *streams)
{
    if (streams->draining) {
        return;
    }

    streams->draining = 1;
    streams->drained = ngx_current_msec + streams->process->conf->drain;
    streams->timer.block_exit = 1;

    ngx_leaseloft_stream_run_each(streams, ngx_leaseloft_stream_run_join);
}


void
ngx_leaseloft_stream_run_join(ngx_leaseloft_stream_t *stream)
{
    ngx_msec_int_t            rest;
    ngx_leaseloft_streams_t  *streams;

    streams = stream->ctx->process->streams;

    if (!streams->draining) {
        return;
    }

    rest = (ngx_msec_int_t) (streams->drained - ngx_current_msec);

    stream->draining = 1;
    stream->drain = ngx_current_msec
                    + ngx_leaseloft_stream_run_between(0, ngx_max(rest, 0));
}


void
ngx_leaseloft_stream_run_forget(ngx_leaseloft_stream_t *stream)
{
    if (stream->ended) {
        ngx_queue_remove(&stream->ending);
        return;
    }

    ngx_leaseloft_stream_timer_clear(&stream->ctx->process->streams->timer,
                                     &stream->wake);
}


void
ngx_leaseloft_stream_run_end(ngx_leaseloft_stream_t *stream, ngx_int_t rc)
{
    ngx_leaseloft_streams_t  *streams;

    if (stream->ended) {
        return;
    }

    streams = stream->ctx->process->streams;

    stream->ended = 1;
    stream->rc = rc;

    if (stream->command) {
        ngx_leaseloft_command_cancel(stream->command);
        stream->command = NULL;
    }

    ngx_leaseloft_stream_timer_clear(&streams->timer, &stream->wake);
    ngx_queue_insert_tail(&streams->ending, &stream->ending);

    if (!streams->end.posted) {
        ngx_post_event(&streams->end, &ngx_posted_events);
    }
}


static void
ngx_leaseloft_stream_run_end_handler(ngx_event_t *ev)
{
    ngx_int_t                 rc;
    ngx_queue_t              *q;
    ngx_http_request_t       *r;
    ngx_leaseloft_stream_t   *stream;
    ngx_leaseloft_streams_t  *streams;

    streams = ev->data;

    while (!ngx_queue_empty(&streams->ending)) {
        q = ngx_queue_head(&streams->ending);
        ngx_queue_remove(q);
        ngx_queue_init(q);

        stream = ngx_queue_data(q, ngx_leaseloft_stream_t, ending);
        r = stream->request;
        rc = stream->rc;

        /* the request may last until its client has read the rest */

        if (stream->subscriber.channel) {
            ngx_leaseloft_channel_watch_detach(&stream->subscriber);
        }

        ngx_leaseloft_stream_hibernate_end(r);
        ngx_leaseloft_wait_finalize(r, rc);
    }

    ngx_leaseloft_stream_timer_arm(&streams->timer);
}


void
ngx_leaseloft_stream_run_schedule(ngx_leaseloft_stream_t *stream)
{
    int64_t                   expiry;
    ngx_msec_t                at, other;
    ngx_time_t               *now;
    ngx_leaseloft_streams_t  *streams;

#define sooner(a, b)  (((ngx_msec_int_t) ((a) - (b)) < 0) ? (a) : (b))

    if (stream->ended) {
        return;
    }

    streams = stream->ctx->process->streams;
    now = ngx_timeofday();

    /* no pings while the client is blocked: they would only be queued */

    if (!stream->started) {
        at = stream->last_sent + NGX_LEASELOFT_STREAM_RUN_START_TIMEOUT;

    } else if (stream->is_blocked) {
        at = stream->blocked + stream->conf->slow_timeout;

    } else {
        at = stream->last_sent + stream->conf->ping;
    }

    expiry = ((int64_t) stream->ctx->exp - now->sec) * 1000 - now->msec;
    expiry = ngx_max(expiry, 0);
    expiry = ngx_min(expiry, NGX_LEASELOFT_STREAM_RUN_CHECK_MAX);
    other = ngx_current_msec + (ngx_msec_t) expiry;
    at = sooner(other, at);

    if (stream->draining) {
        at = sooner(stream->drain, at);
    }

    ngx_leaseloft_stream_timer_set(&streams->timer, &stream->wake, at);
}


void
ngx_leaseloft_stream_run(ngx_leaseloft_stream_t *stream)
{
    ngx_uint_t  full;

    if (stream->ended || !stream->started
        || stream->subscriber.channel == NULL)
    {
        return;
    }

    /* if all was sent at once, no write event follows to send more */

    do {
        if (ngx_leaseloft_stream_kind(stream)->pump(stream) != NGX_OK) {
            ngx_leaseloft_stream_run_end(stream, NGX_ERROR);
            return;
        }

        full = ngx_leaseloft_stream_send_is_full(stream);

        if (ngx_leaseloft_stream_send_flush(stream) != NGX_OK) {
            ngx_leaseloft_stream_run_end(stream, NGX_ERROR);
            return;
        }

    } while (full && !stream->is_blocked);

    if (!ngx_leaseloft_stream_kind(stream)->behind(stream)) {
        stream->caught_up = 1;
        stream->lag = 0;

        if (stream->live_pending && stream->command == NULL) {
            stream->live_pending = 0;

            if (ngx_leaseloft_stream_kind(stream)->ping(stream) != NGX_OK
                || ngx_leaseloft_stream_send_flush(stream) != NGX_OK)
            {
                ngx_leaseloft_stream_run_end(stream, NGX_ERROR);
                return;
            }
        }
    }

    ngx_leaseloft_stream_run_schedule(stream);
}


ngx_uint_t
ngx_leaseloft_stream_run_notify(ngx_leaseloft_subscriber_t *subscriber,
    ngx_leaseloft_channel_event_e event)
{
    ngx_uint_t               live;
    ngx_queue_t             *q;
    ngx_leaseloft_frame_t   *frame;
    ngx_leaseloft_stream_t  *stream;

    stream = (ngx_leaseloft_stream_t *) subscriber;

    if (stream->ended) {
        return 0;
    }

    ngx_leaseloft_stream_kind(stream)->note(stream, event);

    if (stream->ended || !stream->started) {
        return !stream->ended;
    }

    live = ngx_leaseloft_channel_live(subscriber->channel);

    if (event == NGX_LEASELOFT_EVENT_LIVE && live != stream->live) {
        stream->live = live;

        /* "live":true is sent once the stream has caught up */

        if (!live
            && ngx_leaseloft_stream_kind(stream)->ping(stream) != NGX_OK)
        {
            ngx_leaseloft_stream_run_end(stream, NGX_ERROR);
            return 0;
        }

        stream->live_pending = live;
    }

    ngx_leaseloft_stream_run(stream);

    if (stream->ended || !ngx_leaseloft_stream_kind(stream)->behind(stream)) {
        return 0;
    }

    if (event == NGX_LEASELOFT_EVENT_FRAMES && stream->caught_up
        && !ngx_queue_empty(&subscriber->channel->frames))
    {
        q = ngx_queue_last(&subscriber->channel->frames);
        frame = ngx_queue_data(q, ngx_leaseloft_frame_t, queue);
        stream->lag += frame->chunk_len;

        if (stream->lag + stream->output.size > stream->conf->slow_size) {
            ngx_leaseloft_stream_run_bye(stream, NGX_LEASELOFT_BYE_SLOW);
            return 0;
        }
    }

    return 1;
}


void
ngx_leaseloft_stream_run_bye(ngx_leaseloft_stream_t *stream,
    ngx_leaseloft_bye_e reason)
{
    ngx_leaseloft_zone_t   *zone;
    ngx_leaseloft_event_t   event;

    if (stream->ended) {
        return;
    }

    ngx_memzero(&event, sizeof(ngx_leaseloft_event_t));

    ngx_str_set(&event.name, "bye");
    event.data = ngx_leaseloft_stream_bye(stream, reason);
    event.pieces = 1;
    event.retry = ngx_leaseloft_stream_run_between(
                                            NGX_LEASELOFT_STREAM_RUN_RETRY_MIN,
                                            NGX_LEASELOFT_STREAM_RUN_RETRY_MAX);

    zone = stream->ctx->process->zone;

    if (reason == NGX_LEASELOFT_BYE_SLOW) {
        ngx_leaseloft_counters_add(zone, NGX_LEASELOFT_STREAMS_SLOW, 1);

    } else if (reason == NGX_LEASELOFT_BYE_DRAIN) {
        ngx_leaseloft_counters_add(zone, NGX_LEASELOFT_STREAMS_DRAINED, 1);

    } else if (reason == NGX_LEASELOFT_BYE_OVERLOAD) {
        event.retry = ngx_leaseloft_stream_run_between(
                                NGX_LEASELOFT_STREAM_RUN_RETRY_OVERLOAD_MIN,
                                NGX_LEASELOFT_STREAM_RUN_RETRY_OVERLOAD_MAX);
    }

    if (ngx_leaseloft_stream_send_event(stream, &event) != NGX_OK
        || ngx_leaseloft_stream_output_end(&stream->output, stream->request)
           == NGX_ERROR)
    {
        ngx_leaseloft_stream_run_end(stream, NGX_ERROR);
        return;
    }

    ngx_leaseloft_stream_run_end(stream, NGX_OK);
}


void
ngx_leaseloft_stream_run_refuse(ngx_leaseloft_stream_t *stream)
{
    ngx_leaseloft_counters_add(stream->ctx->process->zone,
                               NGX_LEASELOFT_STREAMS_REFUSED, 1);

    if (ngx_leaseloft_stream_send_headers(stream) != NGX_OK) {
        ngx_leaseloft_stream_run_end(stream, NGX_ERROR);
        return;
    }

    ngx_leaseloft_stream_run_bye(stream, NGX_LEASELOFT_BYE_OVERLOAD);
}


void
ngx_leaseloft_stream_run_answer(ngx_leaseloft_stream_t *stream,
    ngx_uint_t status)
{
    ngx_leaseloft_stream_run_end(stream,
                                 ngx_leaseloft_response_problem(stream->request,
                                                                status, NULL));
}


/*
 * HTTP/2 keeps a request while its frames wait for the connection, which
 * send_timeout would close much later.  Since the client has read none of these
 * frames, it reads nothing of any stream, and the connection times out now.
 */
static void
ngx_leaseloft_stream_run_abort(ngx_leaseloft_stream_t *stream)
{
    ngx_http_request_t  *r;
#if (NGX_HTTP_V2)
    ngx_event_t         *wev;
#endif

    r = stream->request;

    (void) ngx_leaseloft_stream_bye(stream, NGX_LEASELOFT_BYE_SLOW);
    ngx_leaseloft_counters_add(stream->ctx->process->zone,
                               NGX_LEASELOFT_STREAMS_SLOW, 1);

#if (NGX_HTTP_V2)

    if (r->stream && r->stream->queued) {
        wev = r->stream->connection->connection->write;

        if (!wev->ready) {
            ngx_add_timer(wev, 1);
        }
    }

#endif

    r->connection->timedout = 1;
    ngx_leaseloft_stream_run_end(stream, NGX_HTTP_CLOSE);
}


/* 1: nothing was received from the client for too long; the stream is ended */
static ngx_uint_t
ngx_leaseloft_stream_run_check_dead(ngx_leaseloft_stream_t *stream)
{
    ngx_msec_t         silence;
    ngx_connection_t  *c;

    c = stream->request->connection;

    /* unacknowledged data may be as old as the ping before the last one */

    silence = ngx_max(stream->conf->slow_timeout, 2 * stream->conf->ping);

    if (!ngx_leaseloft_stream_tcp_is_dead(c, silence)) {
        return 0;
    }

    ngx_log_error(NGX_LOG_INFO, c->log, 0,
                  "client acknowledged nothing for %M ms, "
                  "closing connection", silence);
    ngx_leaseloft_stream_tcp_abort(c);
    ngx_leaseloft_stream_run_abort(stream);

    return 1;
}


/* 1: the client has read nothing for too long; the stream is ended */
static ngx_uint_t
ngx_leaseloft_stream_run_check_blocked(ngx_leaseloft_stream_t *stream)
{
    ngx_connection_t  *c;

    c = stream->request->connection;

    if (c->sent != stream->sent) {
        stream->sent = c->sent;
        stream->blocked = ngx_current_msec;
        return 0;
    }

    if (ngx_current_msec - stream->blocked < stream->conf->slow_timeout) {
        return 0;
    }

    ngx_log_error(NGX_LOG_INFO, c->log, 0,
                  "client read nothing for %M ms, closing stream",
                  stream->conf->slow_timeout);
    ngx_leaseloft_stream_run_abort(stream);

    return 1;
}


/* a stream is due */
static void
ngx_leaseloft_stream_run_check(ngx_rbtree_node_t *node)
{
    ngx_leaseloft_stream_t  *stream;

    stream = ngx_rbtree_data(node, ngx_leaseloft_stream_t, wake);

    /* it may have ended in this iteration of the event loop */

    if (stream->ended) {
        return;
    }

    if (!stream->started) {
        ngx_leaseloft_stream_run_refuse(stream);
        return;
    }

    if (ngx_time() >= stream->ctx->exp) {
        ngx_leaseloft_stream_run_bye(stream, NGX_LEASELOFT_BYE_EXPIRED);
        return;
    }

    if (stream->draining
        && (ngx_msec_int_t) (stream->drain - ngx_current_msec) <= 0)
    {
        ngx_leaseloft_stream_run_bye(stream, NGX_LEASELOFT_BYE_DRAIN);
        return;
    }

    if (ngx_leaseloft_stream_run_check_dead(stream)) {
        return;
    }

    if (stream->is_blocked) {

        if (ngx_leaseloft_stream_run_check_blocked(stream)) {
            return;
        }

    } else if (ngx_current_msec - stream->last_sent >= stream->conf->ping) {

        /* nginx sets its own handler while it discards a body */

        if (!stream->request->discard_body) {
            stream->request->read_event_handler = ngx_http_test_reading;
        }

        if (ngx_leaseloft_stream_kind(stream)->ping(stream) != NGX_OK) {
            ngx_leaseloft_stream_run_end(stream, NGX_ERROR);
            return;
        }
    }

    ngx_leaseloft_stream_run(stream);
}
