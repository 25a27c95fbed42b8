
/*
 * The inbox stream: changes of a user's threads.
 *
 * The changes are numbered by rev.  The pump sends the frames of the user's
 * channel that follow the stream's rev; several changes of a thread can be one
 * frame.
 *
 * A change without an event, such as the removal of a thread, is reported by
 * the rev of a ping.  These pings are not more frequent than regular ones.  A
 * stream that is so late that frames are missing is brought up to date by such
 * a ping at once, as the client fetches its inbox then.
 */


#include "ngx_leaseloft_channel_watch.h"
#include "ngx_leaseloft_stream_open.h"
#include "ngx_leaseloft_stream_run.h"
#include "ngx_leaseloft_stream_send.h"


typedef struct {
    ngx_leaseloft_stream_t      stream;    /* first */
    uint64_t                    rev;       /* of the last change sent */
    ngx_msec_t                  pinged;    /* time of the last ping */
    unsigned                    owed:1;    /* a ping reports the rev */
} ngx_leaseloft_inbox_events_t;


static ngx_int_t ngx_leaseloft_inbox_events_handler(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx);
static void ngx_leaseloft_inbox_events_open(ngx_leaseloft_stream_t *stream);
static ngx_int_t ngx_leaseloft_inbox_events_pump(
    ngx_leaseloft_stream_t *stream);
static ngx_int_t ngx_leaseloft_inbox_events_ping(
    ngx_leaseloft_stream_t *stream);
static ngx_uint_t ngx_leaseloft_inbox_events_behind(
    ngx_leaseloft_stream_t *stream);
static void ngx_leaseloft_inbox_events_note(ngx_leaseloft_stream_t *stream,
    ngx_leaseloft_channel_event_e event);


ngx_leaseloft_endpoint_t  ngx_leaseloft_inbox_events_endpoint = {
    .kind = NGX_LEASELOFT_ENDPOINT_INBOX_EVENTS,
    .method = NGX_HTTP_GET,
    .methods = ngx_string("GET"),
    .user = 1,
    .stream = 1,
    .handler = ngx_leaseloft_inbox_events_handler
};


static const ngx_leaseloft_stream_kind_t  ngx_leaseloft_inbox_events_kind = {
    { ngx_leaseloft_stream_run_notify, NULL, NULL },
    ngx_leaseloft_inbox_events_pump,
    ngx_leaseloft_inbox_events_ping,
    ngx_leaseloft_inbox_events_behind,
    ngx_leaseloft_inbox_events_note
};


static ngx_int_t
ngx_leaseloft_inbox_events_handler(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx)
{
    ngx_int_t                 rc;
    ngx_leaseloft_stream_t   *stream;
    ngx_leaseloft_channel_t  *channel;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    stream = ngx_leaseloft_stream_open_create(r, ctx,
                                         &ngx_leaseloft_inbox_events_kind,
                                         sizeof(ngx_leaseloft_inbox_events_t));
    if (stream == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    channel = ngx_leaseloft_channel_watch(ctx->process,
                                          NGX_LEASELOFT_CHANNEL_USER,
                                          &ctx->user, stream->conf->linger);
    if (channel == NULL) {
        ngx_leaseloft_stream_run_end(stream, NGX_ERROR);
        return NGX_DONE;
    }

    if (!ngx_leaseloft_channel_up(channel)
        && !ngx_leaseloft_channel_starting(channel))
    {
        ngx_leaseloft_stream_run_refuse(stream);
        return NGX_DONE;
    }

    ngx_leaseloft_channel_watch_attach(channel, &stream->subscriber);

    if (ngx_leaseloft_channel_live(channel)) {
        ngx_leaseloft_inbox_events_open(stream);
    }

    return NGX_DONE;
}


/* {"rev":R,"total_unread":N}, with more members before the brace */
static size_t
ngx_leaseloft_inbox_events_state(ngx_leaseloft_stream_t *stream, u_char *text,
    char *more)
{
    ngx_leaseloft_channel_t  *channel;

    channel = stream->subscriber.channel;

    return ngx_sprintf(text, "{\"rev\":%uL,\"total_unread\":%uL%s}",
                       channel->ver, channel->total, more)
           - text;
}


#define NGX_LEASELOFT_INBOX_STATE                                             \
    (sizeof("{\"rev\":,\"total_unread\":,\"live\":false}")                    \
     + 2 * NGX_INT64_LEN)


static void
ngx_leaseloft_inbox_events_open(ngx_leaseloft_stream_t *stream)
{
    u_char                         text[NGX_LEASELOFT_INBOX_STATE];
    u_char                         number[NGX_INT64_LEN];
    ngx_int_t                      rc;
    ngx_str_t                      data, id;
    ngx_leaseloft_inbox_events_t  *events;

    events = (ngx_leaseloft_inbox_events_t *) stream;
    events->rev = stream->subscriber.channel->ver;
    events->pinged = ngx_current_msec - stream->conf->ping;

    data.data = text;
    data.len = ngx_leaseloft_inbox_events_state(stream, text, "");
    id.data = number;
    id.len = ngx_sprintf(number, "%uL", events->rev) - number;

    rc = ngx_leaseloft_stream_open_start(stream, &id, &data, 1);

    if (rc == NGX_ERROR) {
        ngx_leaseloft_stream_run_end(stream, NGX_ERROR);
        return;
    }

    if (rc == NGX_OK) {
        ngx_leaseloft_stream_run(stream);
    }
}


static void
ngx_leaseloft_inbox_events_note(ngx_leaseloft_stream_t *stream,
    ngx_leaseloft_channel_event_e event)
{
    ngx_leaseloft_inbox_events_t  *events;

    if (stream->started) {
        events = (ngx_leaseloft_inbox_events_t *) stream;

        /* the inbox was restored, or the same changes are sent once more */

        if (event == NGX_LEASELOFT_EVENT_CAUGHT_UP
            && events->rev > stream->subscriber.channel->ver)
        {
            events->rev = stream->subscriber.channel->ver;
            events->owed = 1;
        }

        return;
    }

    if (ngx_leaseloft_channel_live(stream->subscriber.channel)) {
        ngx_leaseloft_inbox_events_open(stream);

    } else if (!ngx_leaseloft_channel_up(stream->subscriber.channel)) {
        ngx_leaseloft_stream_run_refuse(stream);
    }
}


static ngx_uint_t
ngx_leaseloft_inbox_events_behind(ngx_leaseloft_stream_t *stream)
{
    ngx_leaseloft_inbox_events_t  *events;

    events = (ngx_leaseloft_inbox_events_t *) stream;

    return events->rev
           < ngx_leaseloft_channel_newest(stream->subscriber.channel);
}


static ngx_int_t
ngx_leaseloft_inbox_events_pump(ngx_leaseloft_stream_t *stream)
{
    ngx_leaseloft_frame_t         *frame;
    ngx_leaseloft_channel_t       *channel;
    ngx_leaseloft_inbox_events_t  *events;

    events = (ngx_leaseloft_inbox_events_t *) stream;
    channel = stream->subscriber.channel;

    while (events->rev < channel->ver
           && !ngx_leaseloft_stream_send_is_full(stream))
    {
        if (events->rev < channel->complete) {
            events->rev = channel->ver;

            if (ngx_leaseloft_inbox_events_ping(stream) != NGX_OK) {
                return NGX_ERROR;
            }

            break;
        }

        frame = ngx_leaseloft_channel_frame_after(channel, events->rev);

        if (frame == NULL) {
            events->rev = channel->ver;
            events->owed = 1;
            break;
        }

        if (ngx_leaseloft_stream_send_frame(stream, frame) != NGX_OK) {
            return NGX_ERROR;
        }

        events->rev = frame->seq;
    }

    if (events->owed && events->rev == channel->ver
        && ngx_current_msec - events->pinged >= stream->conf->ping)
    {
        return ngx_leaseloft_inbox_events_ping(stream);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_leaseloft_inbox_events_ping(ngx_leaseloft_stream_t *stream)
{
    u_char                         text[NGX_LEASELOFT_INBOX_STATE];
    ngx_str_t                      data;
    ngx_leaseloft_event_t          event;
    ngx_leaseloft_inbox_events_t  *events;

    events = (ngx_leaseloft_inbox_events_t *) stream;
    events->owed = 0;
    events->pinged = ngx_current_msec;

    ngx_memzero(&event, sizeof(ngx_leaseloft_event_t));

    ngx_str_set(&event.name, "ping");
    event.data = &data;
    event.pieces = 1;

    data.data = text;
    data.len = ngx_leaseloft_inbox_events_state(stream, text,
                                                stream->live
                                                ? ",\"live\":true"
                                                : ",\"live\":false");

    return ngx_leaseloft_stream_send_event(stream, &event);
}
