
/*
 * A stream is created when the request is received, and started once the data
 * of "hello" is known.  It is allocated in a pool of its own, which a cleanup
 * of the request's pool destroys.
 */


#include "ngx_leaseloft_capacity.h"
#include "ngx_leaseloft_channel_watch.h"
#include "ngx_leaseloft_stream_hibernate.h"
#include "ngx_leaseloft_stream_open.h"
#include "ngx_leaseloft_stream_run.h"
#include "ngx_leaseloft_stream_send.h"
#include "ngx_leaseloft_stream_shrink.h"
#include "ngx_leaseloft_zone.h"


static void ngx_leaseloft_stream_open_free(void *data);
static void ngx_leaseloft_stream_open_cleanup(void *data);
static void ngx_leaseloft_stream_open_write_handler(ngx_http_request_t *r);


/* creates the pool of a stream, with the size of all that it will contain */
static ngx_pool_t *
ngx_leaseloft_stream_open_pool(ngx_http_request_t *r, ngx_leaseloft_ctx_t *ctx,
    size_t size)
{
    ngx_pool_t          *pool;
    ngx_pool_cleanup_t  *cln;

    size += sizeof(ngx_pool_t) + sizeof(ngx_pool_cleanup_t)
            + sizeof(ngx_leaseloft_ctx_t) + ctx->user.len + ctx->property.len;

    if (r->http_version < NGX_HTTP_VERSION_20) {
        size += ngx_leaseloft_stream_shrink_size(r)
                + NGX_LEASELOFT_STREAM_HIBERNATE_ROOM;
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

    cln->handler = ngx_leaseloft_stream_open_free;
    cln->data = pool;

    return pool;
}


static ngx_leaseloft_ctx_t *
ngx_leaseloft_stream_open_ctx(ngx_pool_t *pool, ngx_leaseloft_ctx_t *ctx)
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
ngx_leaseloft_stream_open_create(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx, const ngx_leaseloft_stream_kind_t *kind,
    size_t size)
{
    ngx_pool_t              *pool;
    ngx_connection_t        *c;
    ngx_pool_cleanup_t      *cln;
    ngx_leaseloft_stream_t  *stream;

    c = r->connection;

    pool = ngx_leaseloft_stream_open_pool(r, ctx, size);
    if (pool == NULL) {
        return NULL;
    }

    stream = ngx_pcalloc(pool, size);
    cln = ngx_pool_cleanup_add(pool, 0);
    ctx = ngx_leaseloft_stream_open_ctx(pool, ctx);

    if (stream == NULL || cln == NULL || ctx == NULL) {
        return NULL;
    }

    cln->handler = ngx_leaseloft_stream_open_cleanup;
    cln->data = stream;

    stream->subscriber.kind = &kind->subscriber;
    stream->request = r;
    stream->ctx = ctx;
    stream->pool = pool;
    stream->conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);

    ngx_leaseloft_stream_output_init(&stream->output);

    stream->last_sent = ngx_current_msec;
    ngx_leaseloft_stream_run_schedule(stream);

    ctx->data = stream;

    r->main->count++;
    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_leaseloft_stream_open_write_handler;

    /* no other event reports a client that closed before this was set */

    if (c->read->ready && !c->read->posted) {
        ngx_post_event(c->read, &ngx_posted_events);
    }

    return stream;
}


static void
ngx_leaseloft_stream_open_free(void *data)
{
    ngx_destroy_pool(data);
}


/* how the zone counts a stream */
static ngx_leaseloft_zone_kind_e
ngx_leaseloft_stream_open_kind(ngx_leaseloft_stream_t *stream)
{
    return stream->ctx->endpoint->kind == NGX_LEASELOFT_ENDPOINT_INBOX_EVENTS
           ? NGX_LEASELOFT_ZONE_INBOX : NGX_LEASELOFT_ZONE_THREAD;
}


static void
ngx_leaseloft_stream_open_cleanup(void *data)
{
    ngx_leaseloft_stream_t *stream = data;

    ngx_leaseloft_process_t  *process;

    process = stream->ctx->process;

    if (stream->subscriber.channel) {
        ngx_leaseloft_channel_watch_detach(&stream->subscriber);
    }

    if (stream->command) {
        ngx_leaseloft_command_cancel(stream->command);
    }

    ngx_leaseloft_stream_run_forget(stream);

    if (stream->counted) {
        ngx_leaseloft_zone_stream_close(process->zone, &stream->ctx->user,
                                   ngx_leaseloft_stream_open_kind(stream));
    }

    ngx_leaseloft_stream_output_free(&stream->output);
}


static void
ngx_leaseloft_stream_open_write_handler(ngx_http_request_t *r)
{
    ngx_leaseloft_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_leaseloft_module);

    /* a hibernated request has no contexts, and the stream's pool */

    ngx_leaseloft_stream_run(ctx ? ctx->data : r->pool->cleanup->data);
}


/* 1 if the process has no connection for a stream; logged once a second */
static ngx_uint_t
ngx_leaseloft_stream_open_crowded(ngx_leaseloft_process_t *process)
{
    ngx_leaseloft_capacity_t  capacity;

    if (!ngx_leaseloft_capacity_reached(&capacity)) {
        return 0;
    }

    if (process->crowded != ngx_time()) {
        process->crowded = ngx_time();
        ngx_log_error(NGX_LOG_ERR, process->log, 0,
                      "%ui of %ui connections are free, which streams leave "
                      "to other requests, so streams are refused: raise "
                      "\"worker_connections\" and \"worker_rlimit_nofile\"",
                      capacity.free, capacity.connections);
    }

    return 1;
}


ngx_int_t
ngx_leaseloft_stream_open_start(ngx_leaseloft_stream_t *stream, ngx_str_t *id,
    ngx_str_t *data, ngx_uint_t pieces)
{
    ngx_leaseloft_event_t     event;
    ngx_leaseloft_process_t  *process;

    process = stream->ctx->process;

    if (ngx_leaseloft_stream_open_crowded(process)
        || ngx_leaseloft_zone_stream_open(process->zone, &stream->ctx->user,
                                       stream->conf->max_streams,
                                       ngx_leaseloft_stream_open_kind(stream))
           != NGX_OK)
    {
        ngx_leaseloft_stream_run_refuse(stream);
        return NGX_DECLINED;
    }

    stream->counted = 1;

    ngx_leaseloft_counters_add(process->zone, NGX_LEASELOFT_STREAMS_OPENED, 1);

    ngx_leaseloft_stream_run_join(stream);

    if (ngx_leaseloft_stream_send_headers(stream) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memzero(&event, sizeof(ngx_leaseloft_event_t));

    ngx_str_set(&event.name, "hello");
    event.retry = ngx_leaseloft_stream_run_between(
                                            NGX_LEASELOFT_STREAM_RUN_RETRY_MIN,
                                            NGX_LEASELOFT_STREAM_RUN_RETRY_MAX);
    event.data = data;
    event.pieces = pieces;

    if (id) {
        event.id = *id;
    }

    /* clients take a stream for live until a ping states otherwise */

    stream->live = 1;

    if (ngx_leaseloft_stream_send_event(stream, &event) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!ngx_leaseloft_channel_up(stream->subscriber.channel)) {
        stream->live = 0;
        return ngx_leaseloft_stream_kind(stream)->ping(stream);
    }

    return NGX_OK;
}
