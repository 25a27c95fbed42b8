
/*
 * The inbox stream: what changes in a user's threads.
 *
 * The channel of the user numbers changes by rev.  The pump sends the change
 * that follows the stream's rev, from the channel's recent frames if it is
 * there, else it reads all that changed since from Redis.  What it read may be
 * newer than what the channel has heard of: it waits for the channel then.
 *
 * A change that no event tells of, as a thread that left, is told by the rev
 * of a ping, of which there are no more than of others.
 */


#include "ngx_leaseloft_call.h"
#include "ngx_leaseloft_channel_sync.h"
#include "ngx_leaseloft_channel_watch.h"
#include "ngx_leaseloft_reply.h"
#include "ngx_leaseloft_stream_open.h"
#include "ngx_leaseloft_stream_run.h"
#include "ngx_leaseloft_stream_send.h"


typedef struct {
    ngx_leaseloft_stream_t      stream;    /* first */
    uint64_t                    rev;       /* of the last change sent */
    uint64_t                    total;     /* at rev, if it was read */
    uint64_t                    asked;     /* the channel's rev by then */
    ngx_msec_t                  pinged;
    unsigned                    owed:1;    /* a ping, for its rev */
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
static void ngx_leaseloft_inbox_events_refresh(ngx_leaseloft_stream_t *stream);
static void ngx_leaseloft_inbox_events_refreshed(void *data,
    ngx_leaseloft_outcome_e outcome, redisReply *reply);


ngx_leaseloft_endpoint_t  ngx_leaseloft_inbox_events_endpoint = {
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

    if (!ngx_leaseloft_client_up(ctx->process->client)
        && !ngx_leaseloft_client_starting(ctx->process->client))
    {
        ngx_leaseloft_stream_run_refuse(stream);
        return NGX_DONE;
    }

    channel = ngx_leaseloft_channel_watch(ctx->process,
                                          NGX_LEASELOFT_CHANNEL_USER,
                                          &ctx->user, stream->conf->linger);
    if (channel == NULL) {
        ngx_leaseloft_stream_run_end(stream, NGX_ERROR);
        return NGX_DONE;
    }

    ngx_leaseloft_channel_watch_attach(channel, &stream->subscriber);

    if (ngx_leaseloft_channel_live(channel)) {
        ngx_leaseloft_inbox_events_open(stream);
    }

    return NGX_DONE;
}


/* {"rev":R,"total_unread":N}, and whatever follows inside the object */
static size_t
ngx_leaseloft_inbox_events_state(ngx_leaseloft_stream_t *stream, u_char *text,
    char *more)
{
    uint64_t                       rev, total;
    ngx_leaseloft_inbox_events_t  *events;

    events = (ngx_leaseloft_inbox_events_t *) stream;

    rev = stream->subscriber.channel->ver;
    total = stream->subscriber.channel->total;

    if (events->rev > rev) {
        rev = events->rev;
        total = events->total;
    }

    return ngx_sprintf(text, "{\"rev\":%uL,\"total_unread\":%uL%s}", rev, total,
                       more)
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

        /* what was read is no more, or else it is told once more */

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

    } else if (!ngx_leaseloft_client_up(stream->ctx->process->client)) {
        ngx_leaseloft_stream_run_refuse(stream);
    }
}


static ngx_uint_t
ngx_leaseloft_inbox_events_behind(ngx_leaseloft_stream_t *stream)
{
    ngx_leaseloft_inbox_events_t  *events;

    events = (ngx_leaseloft_inbox_events_t *) stream;

    return events->rev < stream->subscriber.channel->ver;
}


static ngx_int_t
ngx_leaseloft_inbox_events_pump(ngx_leaseloft_stream_t *stream)
{
    ngx_leaseloft_frame_t         *frame;
    ngx_leaseloft_inbox_events_t  *events;

    events = (ngx_leaseloft_inbox_events_t *) stream;

    if (stream->command) {
        return NGX_OK;
    }

    while (ngx_leaseloft_inbox_events_behind(stream)
           && !ngx_leaseloft_stream_send_is_full(stream))
    {
        frame = ngx_leaseloft_channel_frame(stream->subscriber.channel,
                                            events->rev + 1);
        if (frame == NULL) {

            /* a channel that is being read notifies when it has been */

            if (ngx_leaseloft_channel_live(stream->subscriber.channel)) {
                ngx_leaseloft_inbox_events_refresh(stream);
            }

            break;
        }

        if (ngx_leaseloft_stream_send_frame(stream, frame) != NGX_OK) {
            return NGX_ERROR;
        }

        events->rev = frame->seq;
    }

    if (events->owed && !ngx_leaseloft_inbox_events_behind(stream)
        && ngx_current_msec - events->pinged >= stream->conf->ping)
    {
        return ngx_leaseloft_inbox_events_ping(stream);
    }

    return NGX_OK;
}


static void
ngx_leaseloft_inbox_events_refresh(ngx_leaseloft_stream_t *stream)
{
    u_char                         number[NGX_INT64_LEN];
    ngx_str_t                      argv[1];
    ngx_leaseloft_inbox_events_t  *events;

    events = (ngx_leaseloft_inbox_events_t *) stream;

    events->asked = stream->subscriber.channel->ver;

    argv[0].data = number;
    argv[0].len = ngx_sprintf(number, "%uL", events->rev) - number;

    stream->command = ngx_leaseloft_call_user(stream->ctx->process->client,
                                         LL_FUNCTION "inbox_since",
                                         &stream->ctx->user, 1, argv,
                                         ngx_leaseloft_inbox_events_refreshed,
                                         stream);
}


static void
ngx_leaseloft_inbox_events_refreshed(void *data,
    ngx_leaseloft_outcome_e outcome, redisReply *reply)
{
    ngx_leaseloft_stream_t *stream = data;

    size_t                         i;
    uint64_t                       rev;
    ngx_int_t                      rc;
    ngx_str_t                      text;
    redisReply                    *list;
    ngx_leaseloft_event_t          event;
    ngx_leaseloft_inbox_events_t  *events;

    events = data;
    stream->command = NULL;

    if (outcome != NGX_LEASELOFT_REPLIED) {
        return;
    }

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3
        || reply->element[0]->type != REDIS_REPLY_INTEGER
        || reply->element[1]->type != REDIS_REPLY_INTEGER
        || reply->element[2]->type != REDIS_REPLY_ARRAY)
    {
        ngx_log_error(NGX_LOG_ERR, stream->request->connection->log, 0,
                      "redis did not say what changed in an inbox");
        return;
    }

    list = reply->element[2];
    rev = 0;
    rc = NGX_OK;

    ngx_memzero(&event, sizeof(ngx_leaseloft_event_t));
    ngx_str_set(&event.name, "thread");
    event.data = &text;
    event.pieces = 1;

    for (i = 0; i + 1 < list->elements && rc == NGX_OK; i += 2) {

        if (ngx_leaseloft_reply_string(list, i, &event.id) != NGX_OK
            || ngx_leaseloft_reply_string(list, i + 1, &text) != NGX_OK
            || ll_cursor_decode_seq((char *) event.id.data, event.id.len, &rev)
               != 0
            || ngx_strlchr(text.data, text.data + text.len, LF) != NULL)
        {
            rc = NGX_ERROR;
            break;
        }

        rc = ngx_leaseloft_stream_send_event(stream, &event);
    }

    if (rc != NGX_OK) {
        ngx_leaseloft_stream_run_end(stream, NGX_ERROR);
        return;
    }

    events->rev = reply->element[0]->integer;
    events->total = reply->element[1]->integer;

    if (rev != events->rev) {

        /* a thread left, or too many changed: the ping's rev tells the client
         * to fetch its inbox */

        events->owed = 1;
    }

    if (events->rev < events->asked) {

        /* older than what was heard of before: the inbox was restored */

        ngx_leaseloft_channel_sync(stream->subscriber.channel);
    }

    ngx_leaseloft_stream_run(stream);
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
