
/*
 * A stream is never told to write more than its client takes: its kind's pump
 * stops while NGX_LEASELOFT_STREAM_WINDOW bytes are unsent, and goes on when
 * nginx says that the client took some.  So what a slow client costs is that
 * window, and one that takes nothing, or falls too far behind, is cut.
 */


#include "ngx_leaseloft_header.h"
#include "ngx_leaseloft_response.h"
#include "ngx_leaseloft_stream_hibernate.h"
#include "ngx_leaseloft_stream_shrink.h"
#include "ngx_leaseloft_stream_tcp.h"
#include "ngx_leaseloft_stream_timer.h"
#include "ngx_leaseloft_zone.h"


#define NGX_LEASELOFT_RETRY_MIN           1000
#define NGX_LEASELOFT_RETRY_MAX           4000
#define NGX_LEASELOFT_RETRY_OVERLOAD_MIN  10000
#define NGX_LEASELOFT_RETRY_OVERLOAD_MAX  60000


static void ngx_leaseloft_stream_free(void *data);
static void ngx_leaseloft_stream_cleanup(void *data);
static void ngx_leaseloft_stream_read_handler(ngx_http_request_t *r);
static void ngx_leaseloft_stream_write_handler(ngx_http_request_t *r);
static ngx_int_t ngx_leaseloft_stream_headers(ngx_leaseloft_stream_t *stream);
static ngx_int_t ngx_leaseloft_stream_flush(ngx_leaseloft_stream_t *stream);
static void ngx_leaseloft_stream_cut(ngx_leaseloft_stream_t *stream);


static ngx_str_t  ngx_leaseloft_stream_byes[] = {
    ngx_string("{\"reason\":\"expired\"}"),
    ngx_string("{\"reason\":\"removed\"}"),
    ngx_string("{\"reason\":\"drain\"}"),
    ngx_string("{\"reason\":\"slow\"}"),
    ngx_string("{\"reason\":\"overload\"}")
};


static ngx_inline const ngx_leaseloft_stream_kind_t *
ngx_leaseloft_stream_kind(ngx_leaseloft_stream_t *stream)
{
    return (const ngx_leaseloft_stream_kind_t *) stream->listener.kind;
}


/* the pool is as big as what will be in it */

static ngx_pool_t *
ngx_leaseloft_stream_pool(ngx_http_request_t *r, ngx_leaseloft_ctx_t *ctx,
    size_t size)
{
    ngx_pool_t          *pool;
    ngx_pool_cleanup_t  *cln;

    size += sizeof(ngx_pool_t) + sizeof(ngx_pool_cleanup_t)
            + sizeof(ngx_leaseloft_ctx_t) + ctx->user.len + ctx->property.len;

    if (r->http_version < NGX_HTTP_VERSION_20) {
        size += ngx_leaseloft_lean_size(r) + NGX_LEASELOFT_FOLD_ROOM;
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    pool = ngx_create_pool(ngx_align(size, NGX_POOL_ALIGNMENT),
                           r->connection->log);
    if (pool == NULL) {
        return NULL;
    }

    cln->handler = ngx_leaseloft_stream_free;
    cln->data = pool;

    return pool;
}


static ngx_leaseloft_ctx_t *
ngx_leaseloft_stream_ctx(ngx_pool_t *pool, ngx_leaseloft_ctx_t *ctx)
{
    ngx_leaseloft_ctx_t  *own;

    own = ngx_palloc(pool, sizeof(ngx_leaseloft_ctx_t));
    if (own == NULL) {
        return NULL;
    }

    *own = *ctx;
    own->user.data = ngx_pstrdup(pool, &ctx->user);
    own->property.data = ngx_pstrdup(pool, &ctx->property);

    if (own->user.data == NULL || own->property.data == NULL) {
        return NULL;
    }

    ngx_http_set_ctx(ctx->request, own, ngx_leaseloft_module);

    return own;
}


ngx_leaseloft_stream_t *
ngx_leaseloft_stream_create(ngx_http_request_t *r, ngx_leaseloft_ctx_t *ctx,
    const ngx_leaseloft_stream_kind_t *kind, size_t size)
{
    ngx_pool_t              *pool;
    ngx_connection_t        *c;
    ngx_pool_cleanup_t      *cln;
    ngx_leaseloft_stream_t  *stream;

    c = r->connection;

    pool = ngx_leaseloft_stream_pool(r, ctx, size);
    if (pool == NULL) {
        return NULL;
    }

    stream = ngx_pcalloc(pool, size);
    cln = ngx_pool_cleanup_add(pool, 0);
    ctx = ngx_leaseloft_stream_ctx(pool, ctx);

    if (stream == NULL || cln == NULL || ctx == NULL) {
        return NULL;
    }

    cln->handler = ngx_leaseloft_stream_cleanup;
    cln->data = stream;

    stream->listener.kind = &kind->listener;
    stream->request = r;
    stream->ctx = ctx;
    stream->pool = pool;
    stream->conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);

    ngx_leaseloft_output_init(&stream->output);

    stream->spoke = ngx_current_msec;
    ngx_leaseloft_streams_schedule(stream);

    ctx->data = stream;

    r->main->count++;
    r->read_event_handler = ngx_leaseloft_stream_read_handler;
    r->write_event_handler = ngx_leaseloft_stream_write_handler;

    /* a client that left before this was set is not told of again */

    if (c->read->ready && !c->read->posted) {
        ngx_post_event(c->read, &ngx_posted_events);
    }

    return stream;
}


static void
ngx_leaseloft_stream_free(void *data)
{
    ngx_destroy_pool(data);
}


static void
ngx_leaseloft_stream_cleanup(void *data)
{
    ngx_leaseloft_stream_t *stream = data;

    ngx_leaseloft_process_t  *process;

    process = stream->ctx->process;

    if (stream->listener.channel) {
        ngx_leaseloft_channel_detach(&stream->listener);
    }

    if (stream->command) {
        ngx_leaseloft_link_cancel(stream->command);
    }

    ngx_leaseloft_streams_forget(stream);

    if (stream->counted) {
        ngx_leaseloft_zone_stream_close(process->zone, &stream->ctx->user);
    }

    ngx_leaseloft_output_free(&stream->output);
}


static void
ngx_leaseloft_stream_read_handler(ngx_http_request_t *r)
{
    ngx_http_test_reading(r);
}


static void
ngx_leaseloft_stream_write_handler(ngx_http_request_t *r)
{
    ngx_leaseloft_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_leaseloft_module);

    /* folded, it has no contexts, but the stream's pool */

    ngx_leaseloft_stream_run(ctx ? ctx->data : r->pool->cleanup->data);
}


static ngx_int_t
ngx_leaseloft_stream_headers(ngx_leaseloft_stream_t *stream)
{
    ngx_str_t            value;
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = stream->request;

    r->headers_out.status = NGX_HTTP_OK;
    ngx_str_set(&r->headers_out.content_type, "text/event-stream");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    ngx_http_clear_content_length(r);

    /* any status but 200 would end an EventSource for good */

    r->disable_not_modified = 1;

    ngx_str_set(&value, "no");

    if (ngx_leaseloft_common_headers(r) != NGX_OK
        || ngx_leaseloft_add_header(r, "X-Accel-Buffering", &value) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* events bypass the filters that would compress or delay them */

#if (NGX_HTTP_GZIP)
    r->gzip_tested = 1;
    r->gzip_ok = 0;
#endif

    r->limit_rate = 0;
    r->limit_rate_set = 1;

    ngx_leaseloft_peer_tune(r);

    stream->ctx->answered = 1;
    stream->started = 1;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK) {
        return NGX_ERROR;
    }

    /* the headers wait for the first event; with HTTP/2 they are elsewhere */

    if (r->out && r->out->next == NULL) {
        stream->head = r->out->buf->start;
    }

    /* the connection is closed when the stream is, but does not say so yet */

    r->keepalive = 0;

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_stream_start(ngx_leaseloft_stream_t *stream, ngx_str_t *id,
    ngx_str_t *data, ngx_uint_t pieces)
{
    ngx_leaseloft_event_t     event;
    ngx_leaseloft_process_t  *process;

    process = stream->ctx->process;

    if (ngx_leaseloft_zone_stream_open(process->zone, &stream->ctx->user,
                                       stream->conf->max_streams)
        != NGX_OK)
    {
        ngx_leaseloft_stream_refuse(stream);
        return NGX_DECLINED;
    }

    stream->counted = 1;

    ngx_leaseloft_zone_count(process->zone, NGX_LEASELOFT_STREAMS_OPENED, 1);

    ngx_leaseloft_streams_join(stream);

    if (ngx_leaseloft_stream_headers(stream) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memzero(&event, sizeof(ngx_leaseloft_event_t));

    ngx_str_set(&event.name, "hello");
    event.retry = ngx_leaseloft_streams_between(NGX_LEASELOFT_RETRY_MIN,
                                               NGX_LEASELOFT_RETRY_MAX);
    event.data = data;
    event.pieces = pieces;

    if (id) {
        event.id = *id;
    }

    /* what a client presumes until it is told otherwise */

    stream->live = 1;

    if (ngx_leaseloft_stream_event(stream, &event) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!ngx_leaseloft_link_up(process->link)) {
        stream->live = 0;
        return ngx_leaseloft_stream_kind(stream)->ping(stream);
    }

    return NGX_OK;
}


void
ngx_leaseloft_stream_refuse(ngx_leaseloft_stream_t *stream)
{
    ngx_leaseloft_zone_count(stream->ctx->process->zone,
                             NGX_LEASELOFT_STREAMS_REFUSED, 1);

    if (ngx_leaseloft_stream_headers(stream) != NGX_OK) {
        ngx_leaseloft_stream_end(stream, NGX_ERROR);
        return;
    }

    ngx_leaseloft_stream_bye(stream, NGX_LEASELOFT_BYE_OVERLOAD);
}


void
ngx_leaseloft_stream_answer(ngx_leaseloft_stream_t *stream, ngx_uint_t status)
{
    ngx_leaseloft_stream_end(stream,
                             ngx_leaseloft_send_problem(stream->request,
                                                        status, NULL));
}


ngx_int_t
ngx_leaseloft_stream_event(ngx_leaseloft_stream_t *stream,
    ngx_leaseloft_event_t *event)
{
    ngx_int_t               rc;
    ngx_leaseloft_frame_t  *frame;

    frame = ngx_leaseloft_frame_create(event, stream->request->connection->log);
    if (frame == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_leaseloft_stream_frame(stream, frame);

    ngx_leaseloft_frame_free(frame);

    return rc;
}


ngx_int_t
ngx_leaseloft_stream_frame(ngx_leaseloft_stream_t *stream,
    ngx_leaseloft_frame_t *frame)
{
    stream->spoke = ngx_current_msec;

    return ngx_leaseloft_output_add(&stream->output, frame, stream->request);
}


ngx_uint_t
ngx_leaseloft_stream_full(ngx_leaseloft_stream_t *stream)
{
    return stream->output.size >= NGX_LEASELOFT_STREAM_WINDOW;
}


/* the client has all: what was only needed until then is given back */

static void
ngx_leaseloft_stream_lean(ngx_leaseloft_stream_t *stream)
{
    void                *empty;
    ngx_http_request_t  *r;

    r = stream->request;

    ngx_leaseloft_lean_ssl(r);

    if (stream->lean) {
        return;
    }

    stream->lean = 1;

    /* nginx may have put it where the headers were, for the log */

    ngx_str_set(&r->headers_out.content_type, "text/event-stream");

    if (stream->head) {
        ngx_pfree(r->pool, stream->head);
        stream->head = NULL;
    }

    empty = ngx_leaseloft_streams_empty(stream->ctx->process->streams, r);

    if (ngx_leaseloft_lean(r, stream->pool) == NGX_OK && empty) {
        ngx_leaseloft_fold(r, stream->pool, stream->ctx, empty);
    }
}


/* what was queued goes to nginx, and whether the client takes it is noted */

static ngx_int_t
ngx_leaseloft_stream_flush(ngx_leaseloft_stream_t *stream)
{
    ngx_int_t          rc;
    ngx_connection_t  *c;

    c = stream->request->connection;

    rc = ngx_leaseloft_output_send(&stream->output, stream->request);

    if (rc == NGX_AGAIN) {

        if (!stream->is_blocked || c->sent != stream->sent) {
            stream->is_blocked = 1;
            stream->blocked = ngx_current_msec;
            stream->sent = c->sent;
        }

        if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    stream->is_blocked = 0;

    if (rc == NGX_OK) {
        ngx_leaseloft_stream_lean(stream);
    }

    return rc;
}


void
ngx_leaseloft_stream_run(ngx_leaseloft_stream_t *stream)
{
    ngx_uint_t  full;

    if (stream->ended || !stream->started
        || stream->listener.channel == NULL)
    {
        return;
    }

    /*
     * what was sent may have made room for more, which the client may take at
     * once: no event would tell of it
     */

    do {
        if (ngx_leaseloft_stream_kind(stream)->pump(stream) != NGX_OK) {
            ngx_leaseloft_stream_end(stream, NGX_ERROR);
            return;
        }

        full = ngx_leaseloft_stream_full(stream);

        if (ngx_leaseloft_stream_flush(stream) != NGX_OK) {
            ngx_leaseloft_stream_end(stream, NGX_ERROR);
            return;
        }

    } while (full && !stream->is_blocked);

    if (!ngx_leaseloft_stream_kind(stream)->behind(stream)) {
        stream->caught = 1;
        stream->lag = 0;

        if (stream->unsaid && stream->command == NULL) {
            stream->unsaid = 0;

            if (ngx_leaseloft_stream_kind(stream)->ping(stream) != NGX_OK
                || ngx_leaseloft_stream_flush(stream) != NGX_OK)
            {
                ngx_leaseloft_stream_end(stream, NGX_ERROR);
                return;
            }
        }
    }

    ngx_leaseloft_streams_schedule(stream);
}


ngx_uint_t
ngx_leaseloft_stream_news(ngx_leaseloft_listener_t *listener,
    ngx_leaseloft_news_e news)
{
    ngx_uint_t               live;
    ngx_queue_t             *q;
    ngx_leaseloft_frame_t   *frame;
    ngx_leaseloft_stream_t  *stream;

    stream = (ngx_leaseloft_stream_t *) listener;

    if (stream->ended) {
        return 0;
    }

    ngx_leaseloft_stream_kind(stream)->note(stream, news);

    if (stream->ended || !stream->started) {
        return !stream->ended;
    }

    live = ngx_leaseloft_channel_live(listener->channel);

    if (news == NGX_LEASELOFT_NEWS_LIVE && live != stream->live) {
        stream->live = live;

        /* true is said once the stream has caught up */

        if (!live
            && ngx_leaseloft_stream_kind(stream)->ping(stream) != NGX_OK)
        {
            ngx_leaseloft_stream_end(stream, NGX_ERROR);
            return 0;
        }

        stream->unsaid = live;
    }

    ngx_leaseloft_stream_run(stream);

    if (stream->ended || !ngx_leaseloft_stream_kind(stream)->behind(stream)) {
        return 0;
    }

    if (news == NGX_LEASELOFT_NEWS_FRAMES && stream->caught
        && !ngx_queue_empty(&listener->channel->frames))
    {
        q = ngx_queue_last(&listener->channel->frames);
        frame = ngx_queue_data(q, ngx_leaseloft_frame_t, queue);
        stream->lag += frame->chunk_len;

        if (stream->lag + stream->output.size > stream->conf->slow_size) {
            ngx_leaseloft_stream_bye(stream, NGX_LEASELOFT_BYE_SLOW);
            return 0;
        }
    }

    return 1;
}


void
ngx_leaseloft_stream_bye(ngx_leaseloft_stream_t *stream,
    ngx_leaseloft_bye_e reason)
{
    ngx_leaseloft_zone_t   *zone;
    ngx_leaseloft_event_t   event;

    if (stream->ended) {
        return;
    }

    ngx_memzero(&event, sizeof(ngx_leaseloft_event_t));

    ngx_str_set(&event.name, "bye");
    event.data = &ngx_leaseloft_stream_byes[reason];
    event.pieces = 1;
    event.retry = ngx_leaseloft_streams_between(NGX_LEASELOFT_RETRY_MIN,
                                               NGX_LEASELOFT_RETRY_MAX);

    zone = stream->ctx->process->zone;

    if (reason == NGX_LEASELOFT_BYE_SLOW) {
        ngx_leaseloft_zone_count(zone, NGX_LEASELOFT_STREAMS_SLOW, 1);

    } else if (reason == NGX_LEASELOFT_BYE_DRAIN) {
        ngx_leaseloft_zone_count(zone, NGX_LEASELOFT_STREAMS_DRAINED, 1);

    } else if (reason == NGX_LEASELOFT_BYE_OVERLOAD) {
        event.retry = ngx_leaseloft_streams_between(
                                            NGX_LEASELOFT_RETRY_OVERLOAD_MIN,
                                            NGX_LEASELOFT_RETRY_OVERLOAD_MAX);
    }

    if (ngx_leaseloft_stream_event(stream, &event) != NGX_OK
        || ngx_leaseloft_output_end(&stream->output, stream->request)
           == NGX_ERROR)
    {
        ngx_leaseloft_stream_end(stream, NGX_ERROR);
        return;
    }

    ngx_leaseloft_stream_end(stream, NGX_OK);
}


/*
 * HTTP/2 keeps a request for as long as frames of it wait for the connection,
 * which its own send_timeout would close much later.  A connection that took
 * none of them all the time takes nothing of any stream: it times out now.
 */

static void
ngx_leaseloft_stream_cut(ngx_leaseloft_stream_t *stream)
{
    ngx_http_request_t  *r;
#if (NGX_HTTP_V2)
    ngx_event_t         *wev;
#endif

    r = stream->request;

    ngx_leaseloft_zone_count(stream->ctx->process->zone,
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
    ngx_leaseloft_stream_end(stream, NGX_HTTP_CLOSE);
}


void
ngx_leaseloft_stream_look(ngx_leaseloft_stream_t *stream)
{
    ngx_msec_t         silence;
    ngx_connection_t  *c;

    c = stream->request->connection;

    /* it may have been ended in this very turn, even answered */

    if (stream->ended) {
        return;
    }

    if (!stream->started) {
        ngx_leaseloft_stream_refuse(stream);
        return;
    }

    if (ngx_time() >= stream->ctx->exp) {
        ngx_leaseloft_stream_bye(stream, NGX_LEASELOFT_BYE_EXPIRED);
        return;
    }

    if (stream->draining
        && (ngx_msec_int_t) (stream->drain - ngx_current_msec) <= 0)
    {
        ngx_leaseloft_stream_bye(stream, NGX_LEASELOFT_BYE_DRAIN);
        return;
    }

    /* what it has to acknowledge may be as old as the last ping but one */

    silence = ngx_max(stream->conf->slow_timeout, 2 * stream->conf->ping);

    if (ngx_leaseloft_peer_gone(c, silence)) {
        ngx_log_error(NGX_LOG_INFO, c->log, 0,
                      "nothing was heard of the client for %M ms, "
                      "connection is closed", silence);
        ngx_leaseloft_peer_drop(c);
        ngx_leaseloft_stream_cut(stream);
        return;
    }

    if (stream->is_blocked) {

        if (c->sent != stream->sent) {
            stream->sent = c->sent;
            stream->blocked = ngx_current_msec;

        } else if (ngx_current_msec - stream->blocked
                   >= stream->conf->slow_timeout)
        {
            ngx_log_error(NGX_LOG_INFO, c->log, 0,
                          "client took nothing for %M ms, stream is cut",
                          stream->conf->slow_timeout);
            ngx_leaseloft_stream_cut(stream);
            return;
        }

    } else if (ngx_current_msec - stream->spoke >= stream->conf->ping) {

        /* nginx has put its own handler here if it discarded a body */

        if (!stream->request->discard_body) {
            stream->request->read_event_handler =
                                             ngx_leaseloft_stream_read_handler;
        }

        if (ngx_leaseloft_stream_kind(stream)->ping(stream) != NGX_OK) {
            ngx_leaseloft_stream_end(stream, NGX_ERROR);
            return;
        }
    }

    ngx_leaseloft_stream_run(stream);
}
