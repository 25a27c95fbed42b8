
/*
 * The inbox stream: changes of a user's threads.
 *
 * The changes are numbered by rev.  The pump sends the change that follows the
 * stream's rev, from the recent frames of the user's channel, or reads all
 * later changes from Redis.  If the reply is newer than the channel, the pump
 * waits for the channel.
 *
 * A change without an event, such as the removal of a thread, is reported by
 * the rev of a ping.  These pings are not more frequent than regular ones.
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
    uint64_t                    asked;     /* the channel's rev when reading */
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


/* {"rev":R,"total_unread":N}, with more members before the brace */
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

            /* a channel that is being read notifies once it is live */

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


/* sends the changes of a list "rev, data, ..."; rev is set to the last, or 0 */
static ngx_int_t
ngx_leaseloft_inbox_events_send(ngx_leaseloft_stream_t *stream,
    redisReply *list, uint64_t *rev)
{
    size_t                 i;
    ngx_str_t              text;
    ngx_leaseloft_event_t  event;

    *rev = 0;

    ngx_memzero(&event, sizeof(ngx_leaseloft_event_t));
    ngx_str_set(&event.name, "thread");
    event.data = &text;
    event.pieces = 1;

    for (i = 0; i + 1 < list->elements; i += 2) {

        if (ngx_leaseloft_reply_string(list, i, &event.id) != NGX_OK
            || ngx_leaseloft_reply_string(list, i + 1, &text) != NGX_OK
            || ll_cursor_decode_seq((char *) event.id.data, event.id.len, rev)
               != 0
            || ngx_strlchr(text.data, text.data + text.len, LF) != NULL
            || ngx_leaseloft_stream_send_event(stream, &event) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static void
ngx_leaseloft_inbox_events_refreshed(void *data,
    ngx_leaseloft_outcome_e outcome, redisReply *reply)
{
    ngx_leaseloft_stream_t *stream = data;

    uint64_t                       rev;
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
                      "redis sent malformed changes of an inbox");
        return;
    }

    if (ngx_leaseloft_inbox_events_send(stream, reply->element[2], &rev)
        != NGX_OK)
    {
        ngx_leaseloft_stream_run_end(stream, NGX_ERROR);
        return;
    }

    events->rev = reply->element[0]->integer;
    events->total = reply->element[1]->integer;

    if (rev != events->rev) {

        /*
         * a thread was removed, or too many changed: by the ping's rev the
         * client learns that it has to fetch its inbox
         */

        events->owed = 1;
    }

    if (events->rev < events->asked) {

        /* older than the channel: the inbox was restored from a backup */

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
