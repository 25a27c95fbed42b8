
/*
 * The thread stream.
 *
 * One rule covers replay, live delivery, gaps and slow clients: the pump sends
 * the entry that follows the stream's cursor, from the channel's recent frames
 * or from Redis, until the cursor is the newest entry that the reader may see.
 * So entries are sent in order and without gaps, whatever the source.
 *
 * Redis evaluates the access of the reader at some rev of the lease.  While the
 * channel has a newer rev, nothing is sent until Redis has re-evaluated it,
 * which the next read does.  That has the erasures that were not sent, too; a
 * stream that resumes sends all up to its cursor, as its client may know none.
 */


#include "ngx_leaseloft_channel_sync.h"
#include "ngx_leaseloft_channel_watch.h"
#include "ngx_leaseloft_events_send.h"
#include "ngx_leaseloft_header.h"
#include "ngx_leaseloft_stream_open.h"
#include "ngx_leaseloft_stream_run.h"
#include "ngx_leaseloft_stream_send.h"
#include "ngx_leaseloft_view.h"
#include "ngx_leaseloft_zone.h"

#include <ngx_md5.h>


/* entries read from Redis at a time */
#define NGX_LEASELOFT_EVENTS_LIMIT  100


static ngx_int_t ngx_leaseloft_events_handler(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx);
static void ngx_leaseloft_events_first(void *data,
    ngx_leaseloft_outcome_e outcome, redisReply *reply);
static ngx_int_t ngx_leaseloft_events_open(ngx_leaseloft_events_t *events,
    ngx_leaseloft_view_t *view);
static ngx_int_t ngx_leaseloft_events_pump(ngx_leaseloft_stream_t *stream);
static ngx_int_t ngx_leaseloft_events_ping(ngx_leaseloft_stream_t *stream);
static ngx_uint_t ngx_leaseloft_events_behind(ngx_leaseloft_stream_t *stream);
static void ngx_leaseloft_events_note(ngx_leaseloft_stream_t *stream,
    ngx_leaseloft_channel_event_e event);
static void ngx_leaseloft_events_read(ngx_leaseloft_subscriber_t *subscriber,
    ll_frame_t *received, ngx_leaseloft_frame_t *frame);
static ngx_uint_t ngx_leaseloft_events_sees(
    ngx_leaseloft_subscriber_t *subscriber, ngx_str_t *user);
static void ngx_leaseloft_events_refresh(ngx_leaseloft_events_t *events);
static void ngx_leaseloft_events_refreshed(void *data,
    ngx_leaseloft_outcome_e outcome, redisReply *reply);


ngx_leaseloft_endpoint_t  ngx_leaseloft_events_endpoint = {
    .kind = NGX_LEASELOFT_ENDPOINT_EVENTS,
    .method = NGX_HTTP_GET,
    .methods = ngx_string("GET"),
    .user = 1,
    .property = 1,
    .stream = 1,
    .handler = ngx_leaseloft_events_handler
};


static const ngx_leaseloft_stream_kind_t  ngx_leaseloft_events_kind = {
    {
        ngx_leaseloft_stream_run_notify,
        ngx_leaseloft_events_read,
        ngx_leaseloft_events_sees
    },
    ngx_leaseloft_events_pump,
    ngx_leaseloft_events_ping,
    ngx_leaseloft_events_behind,
    ngx_leaseloft_events_note
};


/* Last-Event-ID, else ?after=, else none; NGX_ERROR: given, but malformed */
static ngx_int_t
ngx_leaseloft_events_cursor(ngx_http_request_t *r, ll_cursor_t *cursor)
{
    ngx_int_t         rc;
    ngx_str_t         value, *header;
    static ngx_str_t  name = ngx_string("last-event-id");

    header = ngx_leaseloft_header_find(r, &name);

    if (header && header->len) {
        value = *header;

    } else {
        rc = ngx_leaseloft_header_arg(r, "after", &value);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return ll_cursor_decode((char *) value.data, value.len, cursor) == 0
           ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_leaseloft_events_handler(ngx_http_request_t *r, ngx_leaseloft_ctx_t *ctx)
{
    ngx_int_t                  rc;
    ngx_leaseloft_events_t    *events;
    ngx_leaseloft_stream_t    *stream;
    ngx_leaseloft_view_mode_e  mode;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    stream = ngx_leaseloft_stream_open_create(r, ctx,
                                              &ngx_leaseloft_events_kind,
                                              sizeof(ngx_leaseloft_events_t));
    if (stream == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    events = (ngx_leaseloft_events_t *) stream;

    rc = ngx_leaseloft_events_cursor(r, &events->cursor);
    events->resumed = (rc == NGX_OK);
    events->reset = (rc == NGX_ERROR);

    mode = events->resumed ? NGX_LEASELOFT_VIEW_AFTER : NGX_LEASELOFT_VIEW_NONE;

    stream->command = ngx_leaseloft_view_ask(ctx->process->cluster,
                                         &ctx->property, &ctx->user, mode,
                                         &events->cursor,
                                         NGX_LEASELOFT_EVENTS_LIMIT,
                                         NGX_LEASELOFT_STREAM_SEND_WINDOW,
                                         events->resumed
                                             ? 0 : NGX_LEASELOFT_VIEW_KNOWN,
                                         ngx_leaseloft_events_first, events);
    if (stream->command == NULL) {
        ngx_leaseloft_stream_run_refuse(stream);
    }

    return NGX_DONE;
}


static void
ngx_leaseloft_events_first(void *data, ngx_leaseloft_outcome_e outcome,
    redisReply *reply)
{
    ngx_leaseloft_events_t *events = data;

    ngx_int_t                rc;
    ngx_leaseloft_view_t     view;
    ngx_leaseloft_stream_t  *stream;

    stream = &events->stream;
    stream->command = NULL;

    rc = outcome == NGX_LEASELOFT_REPLIED
         ? ngx_leaseloft_view_parse(reply, &stream->ctx->property, &view,
                                    stream->request->connection->log)
         : NGX_ERROR;

    if (rc == NGX_DECLINED) {
        ngx_leaseloft_stream_run_answer(stream, NGX_HTTP_NOT_FOUND);
        return;
    }

    if (rc == NGX_ERROR) {
        ngx_leaseloft_stream_run_refuse(stream);
        return;
    }

    rc = ngx_leaseloft_events_open(events, &view);

    ngx_leaseloft_view_free(&view);

    if (rc == NGX_ERROR) {
        ngx_leaseloft_stream_run_end(stream, NGX_ERROR);
        return;
    }

    if (rc == NGX_OK) {
        ngx_leaseloft_stream_run(stream);
    }
}


/* updates the window from a view */
static void
ngx_leaseloft_events_see(ngx_leaseloft_events_t *events,
    ngx_leaseloft_view_t *view)
{
    events->rev = view->rev;
    events->window = view->window;
    events->head = view->head;

    /* entries before the window are never sent */

    if (view->from && events->cursor.seq < view->from - 1) {
        events->cursor.seq = view->from - 1;
        events->cursor.tagged = 0;
    }
}


static void
ngx_leaseloft_events_sign(ngx_leaseloft_view_t *view, u_char *signature)
{
    ngx_md5_t  md5;

    ngx_md5_init(&md5);
    ngx_md5_update(&md5, view->signature.data, view->signature.len);
    ngx_md5_final(signature, &md5);
}


static ngx_int_t
ngx_leaseloft_events_reset(ngx_leaseloft_events_t *events,
    ngx_leaseloft_view_t *view)
{
    events->reset = 0;
    events->cursor = view->head;

    return ngx_leaseloft_events_send_head(events, "reset", &view->head, "");
}


static ngx_int_t
ngx_leaseloft_events_open(ngx_leaseloft_events_t *events,
    ngx_leaseloft_view_t *view)
{
    ngx_int_t                 rc;
    ngx_str_t                 hello[2];
    ngx_leaseloft_ctx_t      *ctx;
    ngx_leaseloft_stream_t   *stream;
    ngx_leaseloft_channel_t  *channel;

    stream = &events->stream;
    ctx = stream->ctx;

    channel = ngx_leaseloft_channel_watch(ctx->process,
                                          NGX_LEASELOFT_CHANNEL_PROPERTY,
                                          &ctx->property,
                                          stream->conf->linger);
    if (channel == NULL) {
        return NGX_ERROR;
    }

    ngx_leaseloft_channel_watch_attach(channel, &stream->subscriber);

    if (ngx_leaseloft_view_base(stream->request->pool, &ctx->property, view,
                                &hello[0])
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_str_set(&hello[1], "}");

    rc = ngx_leaseloft_stream_open_start(stream, NULL, hello, 2);

    ngx_pfree(stream->request->pool, hello[0].data);

    if (rc != NGX_OK) {
        return rc;
    }

    ngx_leaseloft_events_sign(view, events->signature);

    if (ngx_leaseloft_events_send_erased(events, view) != NGX_OK) {
        return NGX_ERROR;
    }

    if (events->reset || view->reset) {
        ngx_leaseloft_events_see(events, view);
        return ngx_leaseloft_events_reset(events, view);
    }

    if (!events->resumed) {
        events->cursor = view->head;
    }

    ngx_leaseloft_events_see(events, view);

    return ngx_leaseloft_events_send_entries(events, view);
}


static uint64_t
ngx_leaseloft_events_target(ngx_leaseloft_events_t *events)
{
    return events->window == NGX_LEASELOFT_WINDOW_OPEN
           ? events->stream.subscriber.channel->head.seq : events->head.seq;
}


static ngx_uint_t
ngx_leaseloft_events_outdated(ngx_leaseloft_events_t *events)
{
    return events->stale || events->reset
           || events->rev < events->stream.subscriber.channel->rev
           || events->erasures < events->stream.subscriber.channel->erasures;
}


static ngx_uint_t
ngx_leaseloft_events_behind(ngx_leaseloft_stream_t *stream)
{
    ngx_leaseloft_events_t  *events;

    events = (ngx_leaseloft_events_t *) stream;

    return ngx_leaseloft_events_outdated(events)
           || events->cursor.seq < ngx_leaseloft_events_target(events);
}


static ngx_int_t
ngx_leaseloft_events_pump(ngx_leaseloft_stream_t *stream)
{
    ngx_uint_t               n;
    ngx_leaseloft_frame_t   *frame;
    ngx_leaseloft_events_t  *events;

    events = (ngx_leaseloft_events_t *) stream;

    if (stream->command) {
        return NGX_OK;
    }

    n = 0;

    while (ngx_leaseloft_events_behind(stream)
           && !ngx_leaseloft_stream_send_is_full(stream))
    {
        frame = ngx_leaseloft_events_outdated(events)
                ? NULL : ngx_leaseloft_channel_frame(stream->subscriber.channel,
                                                     events->cursor.seq + 1);
        if (frame == NULL) {
            ngx_leaseloft_events_refresh(events);
            break;
        }

        if (ngx_leaseloft_stream_send_frame(stream, frame) != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_leaseloft_frame_cursor(frame, &events->cursor);
        n++;
    }

    ngx_leaseloft_counters_add(stream->ctx->process->zone,
                               NGX_LEASELOFT_EVENTS_SENT, n);

    return NGX_OK;
}


static void
ngx_leaseloft_events_refresh(ngx_leaseloft_events_t *events)
{
    ll_cursor_t           cursor;
    ngx_leaseloft_ctx_t  *ctx;

    ctx = events->stream.ctx;
    cursor = events->cursor;

    if (events->reset) {
        cursor.seq = LL_SEQ_MAX;
        cursor.tagged = 0;
    }

    events->stale = 0;
    events->asked = events->stream.subscriber.channel->ver;

    events->stream.command = ngx_leaseloft_view_ask(ctx->process->cluster,
                                       &ctx->property, &ctx->user,
                                       NGX_LEASELOFT_VIEW_AFTER, &cursor,
                                       NGX_LEASELOFT_EVENTS_LIMIT,
                                       NGX_LEASELOFT_STREAM_SEND_WINDOW,
                                       events->erasures,
                                       ngx_leaseloft_events_refreshed, events);

    if (events->stream.command == NULL) {

        /* not connected: the pump runs when the connection state changes */

        events->stale = 1;
    }
}


/*
 * Entries about changes of the lease are sent before the changed lease, unless
 * there are too many to be sent at once.
 */
static ngx_int_t
ngx_leaseloft_events_renew(ngx_leaseloft_events_t *events,
    ngx_leaseloft_view_t *view)
{
    u_char  signature[NGX_LEASELOFT_SIGNATURE];

    ngx_leaseloft_events_sign(view, signature);

    if (ngx_memcmp(signature, events->signature, NGX_LEASELOFT_SIGNATURE)
        != 0)
    {
        events->lease = 1;
        ngx_memcpy(events->signature, signature, NGX_LEASELOFT_SIGNATURE);
    }

    if (ngx_leaseloft_events_send_erased(events, view) != NGX_OK) {
        return NGX_ERROR;
    }

    if (events->lease && view->more
        && ngx_leaseloft_events_send_lease(events, view) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_leaseloft_events_see(events, view);

    if ((view->reset ? ngx_leaseloft_events_reset(events, view)
                     : ngx_leaseloft_events_send_entries(events, view))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return events->lease ? ngx_leaseloft_events_send_lease(events, view)
                         : NGX_OK;
}


static void
ngx_leaseloft_events_refreshed(void *data, ngx_leaseloft_outcome_e outcome,
    redisReply *reply)
{
    ngx_leaseloft_events_t *events = data;

    ngx_int_t                rc;
    ngx_leaseloft_view_t     view;
    ngx_leaseloft_stream_t  *stream;

    stream = &events->stream;
    stream->command = NULL;

    if (outcome != NGX_LEASELOFT_REPLIED) {
        events->stale = 1;
        return;
    }

    rc = ngx_leaseloft_view_parse(reply, &stream->ctx->property, &view,
                                  stream->request->connection->log);

    if (rc == NGX_DECLINED) {
        ngx_leaseloft_stream_run_bye(stream, NGX_LEASELOFT_BYE_REMOVED);
        return;
    }

    if (rc == NGX_ERROR) {

        /* Redis may be loading: the next ping, or any event, retries */

        events->stale = 1;
        return;
    }

    if (view.ver < events->asked) {

        /*
         * Older than the channel: the property was restored, and another read
         * would return the same.  The channel is read instead, and notifies
         * the stream; one that is not live is read once it is subscribed to.
         */
        ngx_leaseloft_view_free(&view);
        events->stale = 1;
        if (ngx_leaseloft_channel_live(stream->subscriber.channel)) {
            ngx_leaseloft_channel_sync(stream->subscriber.channel);
        }
        return;
    }

    rc = ngx_leaseloft_events_renew(events, &view);

    ngx_leaseloft_view_free(&view);

    if (rc != NGX_OK) {
        ngx_leaseloft_stream_run_end(stream, NGX_ERROR);
        return;
    }

    ngx_leaseloft_stream_run(stream);
}


static void
ngx_leaseloft_events_note(ngx_leaseloft_stream_t *stream,
    ngx_leaseloft_channel_event_e event)
{
    ngx_leaseloft_events_t  *events;

    events = (ngx_leaseloft_events_t *) stream;

    if (event == NGX_LEASELOFT_EVENT_RESET) {
        events->reset = 1;
        events->lease = 1;

    } else if (event == NGX_LEASELOFT_EVENT_CAUGHT_UP) {

        /* marks may have moved, for which there are no entries */

        events->stale = 1;
        events->lease = 1;
    }
}


static void
ngx_leaseloft_events_read(ngx_leaseloft_subscriber_t *subscriber,
    ll_frame_t *received, ngx_leaseloft_frame_t *frame)
{
    ngx_str_t               *user;
    ngx_uint_t               own;
    ngx_leaseloft_events_t  *events;
    ngx_leaseloft_stream_t  *stream;

    stream = (ngx_leaseloft_stream_t *) subscriber;
    events = (ngx_leaseloft_events_t *) stream;
    user = &stream->ctx->user;

    if (stream->ended || !stream->started) {
        return;
    }

    own = received->user.len == user->len
          && ngx_memcmp(received->user.data, user->data, user->len) == 0;

    if (!own
        && (!received->shown || events->window != NGX_LEASELOFT_WINDOW_OPEN))
    {
        return;
    }

    if (ngx_leaseloft_events_outdated(events)
        || ngx_leaseloft_stream_send_is_full(stream))
    {
        /* the next "lease" event includes the marks */

        events->stale = 1;
        events->lease = 1;
        return;
    }

    if (ngx_leaseloft_stream_send_frame(stream, frame) != NGX_OK) {
        ngx_leaseloft_stream_run_end(stream, NGX_ERROR);
    }
}


static ngx_uint_t
ngx_leaseloft_events_sees(ngx_leaseloft_subscriber_t *subscriber,
    ngx_str_t *user)
{
    ngx_str_t               *own;
    ngx_leaseloft_events_t  *events;

    events = (ngx_leaseloft_events_t *) subscriber;
    own = &events->stream.ctx->user;

    return own->len == user->len
           && ngx_memcmp(own->data, user->data, user->len) == 0
           && events->rev == subscriber->channel->rev
           && !ngx_leaseloft_events_outdated(events)
           && !events->stream.ended;
}


static ngx_int_t
ngx_leaseloft_events_ping(ngx_leaseloft_stream_t *stream)
{
    ngx_leaseloft_events_t  *events;

    events = (ngx_leaseloft_events_t *) stream;

    /*
     * The cursor is the newest entry, unless Redis is not connected.  If the
     * client did not send the tag of its cursor, the head is sent instead.
     */

    return ngx_leaseloft_events_send_head(events, "ping",
                                          events->cursor.tagged
                                              ? &events->cursor
                                              : &events->head,
                                          stream->live ? ",\"live\":true"
                                                       : ",\"live\":false");
}
