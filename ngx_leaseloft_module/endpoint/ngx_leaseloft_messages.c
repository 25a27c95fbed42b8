
/*
 * Polls and history.
 *
 * A response has the state of the property as the user sees it (the base), and
 * entries.  The base includes all that can change, so its digest and the query
 * make the ETag of the response.  The base is cached in the channel of the
 * property: while that is live and nothing has changed, a poll is answered
 * without Redis.  The state of a poll is in the request's pool.
 */


#include "ngx_leaseloft_channel.h"
#include "ngx_leaseloft_channel_cache.h"
#include "ngx_leaseloft_channel_watch.h"
#include "ngx_leaseloft_header.h"
#include "ngx_leaseloft_page.h"
#include "ngx_leaseloft_query.h"
#include "ngx_leaseloft_response.h"
#include "ngx_leaseloft_view.h"
#include "ngx_leaseloft_wait.h"
#include "ngx_leaseloft_zone.h"

#include <ngx_md5.h>


typedef struct {
    ngx_http_request_t         *request;
    ngx_leaseloft_ctx_t        *ctx;
    ngx_leaseloft_query_t       query;
    ngx_leaseloft_command_t    *range;     /* replied to before the other */
    ngx_leaseloft_command_t    *command;
    ngx_leaseloft_page_t        page;
    uint64_t                    erasures;  /* before the page was read */
    unsigned                    bare:1;    /* a view without entries */
    unsigned                    sole:1;    /* no view: it is cached */
} ngx_leaseloft_poll_t;


static ngx_int_t ngx_leaseloft_messages_handler(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx);
static ngx_int_t ngx_leaseloft_messages_from_memory(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx, ngx_leaseloft_query_t *query);
static ngx_int_t ngx_leaseloft_messages_ask(ngx_leaseloft_poll_t *poll);
static void ngx_leaseloft_messages_read(ngx_leaseloft_poll_t *poll);
static void ngx_leaseloft_messages_range(void *data,
    ngx_leaseloft_outcome_e outcome, redisReply *reply);
static ngx_int_t ngx_leaseloft_messages_send(ngx_http_request_t *r,
    ngx_leaseloft_query_t *query, ngx_str_t *base, u_char *digest,
    ngx_leaseloft_view_t *view, ngx_leaseloft_page_t *page);
static void ngx_leaseloft_messages_on_close(void *data);
static void ngx_leaseloft_messages_reply(void *data,
    ngx_leaseloft_outcome_e outcome, redisReply *reply);
static ngx_int_t ngx_leaseloft_messages_remembered(
    ngx_leaseloft_poll_t *poll);
static ngx_int_t ngx_leaseloft_messages_page(ngx_leaseloft_poll_t *poll,
    ngx_leaseloft_view_t *view);
static ngx_int_t ngx_leaseloft_messages_fit(ngx_leaseloft_poll_t *poll,
    ngx_leaseloft_view_t *view);
static ngx_int_t ngx_leaseloft_messages_answer(ngx_leaseloft_poll_t *poll,
    ngx_leaseloft_view_t *view);


ngx_leaseloft_endpoint_t  ngx_leaseloft_messages_endpoint = {
    .kind = NGX_LEASELOFT_ENDPOINT_MESSAGES,
    .method = NGX_HTTP_GET,
    .methods = ngx_string("GET"),
    .user = 1,
    .property = 1,
    .cached = 1,
    .handler = ngx_leaseloft_messages_handler
};


static ngx_int_t
ngx_leaseloft_messages_handler(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx)
{
    ngx_int_t              rc;
    ngx_leaseloft_poll_t  *poll;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    poll = ngx_pcalloc(r->pool, sizeof(ngx_leaseloft_poll_t));
    if (poll == NULL
        || ngx_leaseloft_query_read(r, &poll->query) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_leaseloft_counters_add(ctx->process->zone, NGX_LEASELOFT_POLLS, 1);

    rc = ngx_leaseloft_messages_from_memory(r, ctx, &poll->query);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    poll->request = r;
    poll->ctx = ctx;

    ngx_leaseloft_messages_read(poll);

    if (!poll->sole && ngx_leaseloft_messages_ask(poll) != NGX_OK) {
        ngx_leaseloft_messages_on_close(poll);
        return ngx_leaseloft_response_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                              NULL);
    }

    if (ngx_leaseloft_wait(r, ngx_leaseloft_messages_on_close, poll)
        != NGX_OK)
    {
        ngx_leaseloft_messages_on_close(poll);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_DONE;
}


/* requests the view, with entries unless they are read from the stream */
static ngx_int_t
ngx_leaseloft_messages_ask(ngx_leaseloft_poll_t *poll)
{
    ngx_leaseloft_view_mode_e  mode;

    poll->bare = poll->query.malformed || poll->range;
    mode = poll->bare ? NGX_LEASELOFT_VIEW_NONE : poll->query.mode;

    poll->command = ngx_leaseloft_view_ask(poll->ctx->process->cluster,
                                           &poll->ctx->property,
                                           &poll->ctx->user, mode,
                                           &poll->query.cursor,
                                           poll->query.limit,
                                           NGX_LEASELOFT_PAGE_BYTES,
                                           NGX_LEASELOFT_VIEW_KNOWN,
                                           ngx_leaseloft_messages_reply, poll);

    return poll->command ? NGX_OK : NGX_ERROR;
}


/* reads entries from the stream if the cached window of the user is open */
static void
ngx_leaseloft_messages_read(ngx_leaseloft_poll_t *poll)
{
    uint64_t                      before;
    ngx_leaseloft_ctx_t          *ctx;
    ngx_leaseloft_cache_entry_t  *entry;
    ngx_leaseloft_channel_t      *channel;

    ctx = poll->ctx;
    before = poll->query.mode == NGX_LEASELOFT_VIEW_BEFORE
             ? poll->query.cursor.seq : 0;

    channel = ngx_leaseloft_channel_find(ctx->process,
                                         NGX_LEASELOFT_CHANNEL_PROPERTY,
                                         &ctx->property);
    entry = channel ? ngx_leaseloft_channel_cache_window(channel, &ctx->user)
                    : NULL;

    if (entry == NULL || entry->window != NGX_LEASELOFT_WINDOW_OPEN
        || poll->query.malformed
        || poll->query.mode == NGX_LEASELOFT_VIEW_AFTER
        || (poll->query.mode == NGX_LEASELOFT_VIEW_BEFORE
            && before <= entry->from))
    {
        return;
    }

    poll->range = ngx_leaseloft_page_ask(ctx->process->cluster, &ctx->property,
                                         entry->from, before,
                                         poll->query.limit,
                                         ngx_leaseloft_messages_range, poll);
    poll->erasures = entry->erasures;
    poll->sole = poll->range
                 && ngx_leaseloft_channel_cache_poll(channel, &ctx->user);
}


static void
ngx_leaseloft_messages_range(void *data, ngx_leaseloft_outcome_e outcome,
    redisReply *reply)
{
    ngx_leaseloft_poll_t *poll = data;

    ngx_int_t  rc;

    poll->range = NULL;

    if (outcome == NGX_LEASELOFT_REPLIED) {
        ngx_leaseloft_page_read(poll->request->pool, reply, &poll->page);
    }

    if (!poll->sole) {
        return;
    }

    rc = ngx_leaseloft_messages_remembered(poll);

    if (rc == NGX_DECLINED && ngx_leaseloft_messages_ask(poll) == NGX_OK) {
        return;
    }

    if (rc == NGX_DECLINED) {
        rc = ngx_leaseloft_response_problem(poll->request,
                                            NGX_HTTP_SERVICE_UNAVAILABLE, NULL);
    }

    ngx_leaseloft_wait_finalize(poll->request, rc);
}


/* answers with the page and the cached base; NGX_DECLINED: it is outdated */
static ngx_int_t
ngx_leaseloft_messages_remembered(ngx_leaseloft_poll_t *poll)
{
    ngx_leaseloft_ctx_t          *ctx;
    ngx_leaseloft_cache_entry_t  *entry;
    ngx_leaseloft_view_t          view;
    ngx_leaseloft_channel_t      *channel;
    ngx_leaseloft_loc_conf_t     *conf;

    ctx = poll->ctx;

    channel = ngx_leaseloft_channel_find(ctx->process,
                                         NGX_LEASELOFT_CHANNEL_PROPERTY,
                                         &ctx->property);
    entry = channel ? ngx_leaseloft_channel_cache_poll(channel, &ctx->user)
                    : NULL;

    if (entry == NULL) {
        return NGX_DECLINED;
    }

    ngx_memzero(&view, sizeof(ngx_leaseloft_view_t));

    view.window = entry->window;
    view.from = entry->from;
    view.head = entry->head;
    view.zone = entry->zone;
    view.erasures = entry->erasures;

    if (ngx_leaseloft_messages_fit(poll, &view) != NGX_OK) {
        return NGX_DECLINED;
    }

    conf = ngx_http_get_module_loc_conf(poll->request, ngx_leaseloft_module);

    (void) ngx_leaseloft_channel_watch(ctx->process,
                                       NGX_LEASELOFT_CHANNEL_PROPERTY,
                                       &ctx->property, conf->linger);

    return ngx_leaseloft_messages_send(poll->request, &poll->query,
                                       &entry->base, entry->digest, &view,
                                       &poll->page);
}


static ngx_int_t
ngx_leaseloft_messages_bad_query(ngx_http_request_t *r)
{
    return ngx_leaseloft_response_problem(r, NGX_HTTP_BAD_REQUEST,
                         "\"after\" must be a cursor (SEQ or SEQ.TAG), "
                         "\"before\" a SEQ, not both may be given, and "
                         "\"limit\" must be 1 to 200.");
}


/*
 * The time zone of the property is a header, since it is not part of the
 * thread.  Names of zones are letters, digits, and "+-_/".
 */
static ngx_int_t
ngx_leaseloft_messages_zone(ngx_http_request_t *r, ngx_str_t *zone)
{
    size_t     i;
    ngx_str_t  value;

    for (i = 0; i < zone->len; i++) {
        if (zone->data[i] <= ' ' || zone->data[i] >= 0x7f) {
            return NGX_OK;
        }
    }

    if (zone->len == 0) {
        return NGX_OK;
    }

    value.len = zone->len;
    value.data = ngx_pstrdup(r->pool, zone);

    if (value.data == NULL) {
        return NGX_ERROR;
    }

    return ngx_leaseloft_header_add(r, "LeaseLoft-Time-Zone", &value);
}


static ngx_int_t
ngx_leaseloft_messages_send(ngx_http_request_t *r,
    ngx_leaseloft_query_t *query, ngx_str_t *base, u_char *digest,
    ngx_leaseloft_view_t *view, ngx_leaseloft_page_t *page)
{
    u_char     data[NGX_LEASELOFT_ETAG];
    ngx_str_t  etag, body;

    etag.data = data;
    ngx_leaseloft_query_etag(query, digest, &etag);

    etag.data = ngx_pstrdup(r->pool, &etag);
    if (etag.data == NULL
        || ngx_leaseloft_header_add(r, "ETag", &etag) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (view && ngx_leaseloft_messages_zone(r, &view->zone) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_leaseloft_header_etag_matches(r, &etag)) {
        ngx_str_null(&body);
        return ngx_leaseloft_response_send(r, NGX_HTTP_NOT_MODIFIED, NULL,
                                           &body);
    }

    if (ngx_leaseloft_page_body(r->pool, base, view, page, &body) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_leaseloft_response_page(r, &body);
}


/* answers from the cache; NGX_DECLINED: Redis has to be asked */
static ngx_int_t
ngx_leaseloft_messages_from_memory(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx, ngx_leaseloft_query_t *query)
{
    u_char                        data[NGX_LEASELOFT_ETAG];
    ngx_str_t                     etag;
    ngx_leaseloft_cache_entry_t  *entry;
    ngx_leaseloft_channel_t      *channel;
    ngx_leaseloft_loc_conf_t     *conf;

    channel = ngx_leaseloft_channel_find(ctx->process,
                                         NGX_LEASELOFT_CHANNEL_PROPERTY,
                                         &ctx->property);
    if (channel == NULL) {
        return NGX_DECLINED;
    }

    entry = ngx_leaseloft_channel_cache_poll(channel, &ctx->user);
    if (entry == NULL) {
        return NGX_DECLINED;
    }

    if (query->malformed) {
        return ngx_leaseloft_messages_bad_query(r);
    }

    etag.data = data;
    ngx_leaseloft_query_etag(query, entry->digest, &etag);

    if ((query->mode != NGX_LEASELOFT_VIEW_AFTER
         || query->cursor.seq != entry->head.seq
         || (query->cursor.tagged
             && ngx_memcmp(query->cursor.tag, entry->head.tag, LL_TAG_LEN)
                != 0))
        && !ngx_leaseloft_header_etag_matches(r, &etag))
    {
        return NGX_DECLINED;
    }

    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);

    (void) ngx_leaseloft_channel_watch(ctx->process,
                                       NGX_LEASELOFT_CHANNEL_PROPERTY,
                                       &ctx->property, conf->linger);

    ngx_leaseloft_counters_add(ctx->process->zone,
                               NGX_LEASELOFT_POLLS_FROM_MEMORY, 1);

    return ngx_leaseloft_messages_send(r, query, &entry->base, entry->digest,
                                       NULL, NULL);
}


static void
ngx_leaseloft_messages_on_close(void *data)
{
    ngx_leaseloft_poll_t *poll = data;

    if (poll->range) {
        ngx_leaseloft_command_cancel(poll->range);
        poll->range = NULL;
    }

    if (poll->command) {
        ngx_leaseloft_command_cancel(poll->command);
        poll->command = NULL;
    }
}


/* answers, or requests another view */
static ngx_int_t
ngx_leaseloft_messages_reply_view(ngx_leaseloft_poll_t *poll,
    ngx_leaseloft_view_t *view)
{
    ngx_int_t  rc;

    if (poll->query.malformed) {
        return ngx_leaseloft_messages_bad_query(poll->request);
    }

    rc = ngx_leaseloft_messages_page(poll, view);

    if (rc == NGX_ERROR) {
        return ngx_leaseloft_response_problem(poll->request,
                                            NGX_HTTP_SERVICE_UNAVAILABLE, NULL);
    }

    return rc == NGX_OK ? ngx_leaseloft_messages_answer(poll, view) : rc;
}


static void
ngx_leaseloft_messages_reply(void *data, ngx_leaseloft_outcome_e outcome,
    redisReply *reply)
{
    ngx_leaseloft_poll_t *poll = data;

    ngx_int_t             rc;
    ngx_http_request_t   *r;
    ngx_leaseloft_view_t  view;

    r = poll->request;
    poll->command = NULL;

    rc = outcome == NGX_LEASELOFT_REPLIED
         ? ngx_leaseloft_view_parse(reply, &poll->ctx->property, &view,
                                    r->connection->log)
         : NGX_ERROR;

    if (rc == NGX_DECLINED) {
        rc = ngx_leaseloft_response_problem(r, NGX_HTTP_NOT_FOUND, NULL);

    } else if (rc == NGX_ERROR) {
        rc = ngx_leaseloft_response_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                            NULL);

    } else {
        rc = ngx_leaseloft_messages_reply_view(poll, &view);
        ngx_leaseloft_view_free(&view);

        /* another view is requested */

        if (poll->command) {
            return;
        }
    }

    ngx_leaseloft_wait_finalize(r, rc);
}


/* NGX_AGAIN: the view is requested once more, with entries */
static ngx_int_t
ngx_leaseloft_messages_page(ngx_leaseloft_poll_t *poll,
    ngx_leaseloft_view_t *view)
{
    if (!poll->bare) {
        return ngx_leaseloft_page_of_view(poll->request, &poll->ctx->property,
                                          view, &poll->page);
    }

    /* the page is older than the view, and may have a text erased meanwhile */

    if (view->erasures == poll->erasures
        && ngx_leaseloft_messages_fit(poll, view) == NGX_OK)
    {
        return NGX_OK;
    }

    return ngx_leaseloft_messages_ask(poll) == NGX_OK ? NGX_AGAIN : NGX_ERROR;
}


static ngx_int_t
ngx_leaseloft_messages_fit(ngx_leaseloft_poll_t *poll,
    ngx_leaseloft_view_t *view)
{
    uint64_t  last;

    last = view->head.seq;

    if (poll->query.mode == NGX_LEASELOFT_VIEW_BEFORE) {
        last = ngx_min(last, poll->query.cursor.seq - 1);
    }

    if (ngx_leaseloft_page_fit(&poll->page, view, last) != NGX_OK) {
        return NGX_DECLINED;
    }

    /* entries are missing in the stream; the view includes them as lost */

    return view->more && !poll->page.full && poll->page.n < poll->query.limit
           ? NGX_DECLINED : NGX_OK;
}


/*
 * A response depends on the query, on the base, in which the head's tag
 * represents the thread, and on the start of the reader's window and the
 * erasures in it.
 */
static void
ngx_leaseloft_messages_digest(ngx_str_t *base, ngx_leaseloft_view_t *view,
    u_char *digest)
{
    u_char     hash[16], numbers[2 * NGX_INT64_LEN + 1], *p;
    ngx_md5_t  md5;

    p = ngx_sprintf(numbers, "%uL", view->from);

    if (view->erasures) {
        p = ngx_sprintf(p, ".%uL", view->erasures);
    }

    ngx_md5_init(&md5);
    ngx_md5_update(&md5, numbers, p - numbers);
    ngx_md5_update(&md5, base->data, base->len);
    ngx_md5_final(hash, &md5);
    ngx_hex_dump(digest, hash, sizeof(hash));
}


static ngx_int_t
ngx_leaseloft_messages_answer(ngx_leaseloft_poll_t *poll,
    ngx_leaseloft_view_t *view)
{
    u_char                     digest[32];
    ngx_str_t                  base;
    ngx_http_request_t        *r;
    ngx_leaseloft_ctx_t       *ctx;
    ngx_leaseloft_channel_t   *channel;
    ngx_leaseloft_loc_conf_t  *conf;

    r = poll->request;
    ctx = poll->ctx;

    if (ngx_leaseloft_view_base(r->pool, &ctx->property, view, &base)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_leaseloft_messages_digest(&base, view, digest);

    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);

    channel = ngx_leaseloft_channel_watch(ctx->process,
                                          NGX_LEASELOFT_CHANNEL_PROPERTY,
                                          &ctx->property, conf->linger);
    if (channel) {
        ngx_leaseloft_channel_cache_store(channel, &ctx->user, view, &base,
                                          digest);
    }

    return ngx_leaseloft_messages_send(r, &poll->query, &base, digest, view,
                                       &poll->page);
}
