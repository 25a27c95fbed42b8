
/*
 * A request from its first phase on.
 *
 * In the preaccess phase, before nginx's own limits count the request: method,
 * token, origin, property, and for writes whether the property is one of the
 * user's.  A channel of the property that is live may know that; else Redis is
 * asked while the phase waits.  What is refused there is remembered and
 * answered in the content phase, so that limits count refused requests, too.
 */


#include "ngx_leaseloft_channel.h"
#include "ngx_leaseloft_cors.h"
#include "ngx_leaseloft_problem.h"
#include "ngx_leaseloft_request.h"
#include "ngx_leaseloft_token.h"
#include "ngx_leaseloft_zone.h"


/* a question to Redis: may this user write there */
typedef struct {
    ngx_leaseloft_ctx_t        *ctx;
    ngx_leaseloft_command_t    *command;
    uint64_t                    rev;       /* of a live channel when asked */
    unsigned                    watched:1; /* there was one */
} ngx_leaseloft_access_t;


static ngx_int_t ngx_leaseloft_request_check(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx, ngx_leaseloft_loc_conf_t *conf);
static ngx_int_t ngx_leaseloft_request_check_user(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx);
static ngx_int_t ngx_leaseloft_request_check_property(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx, ngx_leaseloft_loc_conf_t *conf);
static ngx_int_t ngx_leaseloft_request_refuse(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx);
static ngx_int_t ngx_leaseloft_access_ask(ngx_leaseloft_ctx_t *ctx);
static void ngx_leaseloft_access_reply(void *data,
    ngx_leaseloft_outcome_e outcome, redisReply *reply);
static void ngx_leaseloft_access_expired(void *data);
static void ngx_leaseloft_access_gone(void *data);
static void ngx_leaseloft_access_done(ngx_leaseloft_access_t *access,
    ngx_uint_t status);


ngx_leaseloft_ctx_t *
ngx_leaseloft_request_ctx(ngx_http_request_t *r)
{
    ngx_leaseloft_ctx_t        *ctx;
    ngx_leaseloft_main_conf_t  *mcf;

    ctx = ngx_http_get_module_ctx(r, ngx_leaseloft_module);

    if (ctx) {
        return ctx;
    }

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_leaseloft_ctx_t));
    if (ctx == NULL) {
        return NULL;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_leaseloft_module);

    ctx->request = r;
    ctx->process = mcf->process;

    ngx_http_set_ctx(r, ctx, ngx_leaseloft_module);

    return ctx;
}


ngx_int_t
ngx_leaseloft_preaccess_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_leaseloft_ctx_t       *ctx;
    ngx_leaseloft_loc_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);

    if (r != r->main || conf->endpoints[0] == NULL) {
        return NGX_DECLINED;
    }

    ctx = ngx_leaseloft_request_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->checked) {
        return NGX_DECLINED;
    }

    rc = ngx_leaseloft_request_check(r, ctx, conf);

    if (rc == NGX_OK && ctx->endpoint->access) {
        rc = ngx_leaseloft_access_ask(ctx);
    }

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->status = rc == NGX_OK ? 0 : rc;
    ctx->checked = 1;

    return NGX_DECLINED;
}


/* NGX_OK, NGX_ERROR, or the status of the refusal */
static ngx_int_t
ngx_leaseloft_request_check(ngx_http_request_t *r, ngx_leaseloft_ctx_t *ctx,
    ngx_leaseloft_loc_conf_t *conf)
{
    ngx_int_t   rc;
    ngx_uint_t  i;

    for (i = 0; i < NGX_LEASELOFT_ENDPOINTS; i++) {
        if (conf->endpoints[i] && conf->endpoints[i]->method == r->method) {
            ctx->endpoint = conf->endpoints[i];
        }
    }

    if (ctx->endpoint == NULL) {
        return ngx_leaseloft_cors_preflight(r) ? NGX_HTTP_NO_CONTENT
                                               : NGX_HTTP_NOT_ALLOWED;
    }

    if (ctx->endpoint->user) {
        rc = ngx_leaseloft_request_check_user(r, ctx);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (ctx->endpoint->property) {
        return ngx_leaseloft_request_check_property(r, ctx, conf);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_leaseloft_request_check_user(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_leaseloft_token_check(r, &ctx->user, &ctx->exp);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc != NGX_OK) {
        ctx->user.len = 0;
        ngx_leaseloft_zone_count(ctx->process->zone,
                                 NGX_LEASELOFT_TOKENS_REFUSED, 1);
        return NGX_HTTP_UNAUTHORIZED;
    }

    /*
     * a browser sends the cookie along whoever's page asks it to; a header it
     * sends only for pages that know the token
     */
    if (ctx->endpoint->method != NGX_HTTP_GET
        && !ngx_leaseloft_token_bearer(r)
        && ngx_leaseloft_cors_foreign(r))
    {
        return NGX_HTTP_FORBIDDEN;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_leaseloft_request_check_property(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx, ngx_leaseloft_loc_conf_t *conf)
{
    ngx_str_t  property;

    if (ngx_http_complex_value(r, conf->property, &property) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!ll_id_valid((char *) property.data, property.len)) {
        return NGX_HTTP_NOT_FOUND;
    }

    ctx->property = property;

    return NGX_OK;
}


static ngx_leaseloft_channel_t *
ngx_leaseloft_access_channel(ngx_leaseloft_ctx_t *ctx)
{
    return ngx_leaseloft_channel_find(ctx->process,
                                      NGX_LEASELOFT_CHANNEL_PROPERTY,
                                      &ctx->property);
}


/* NGX_OK, NGX_AGAIN, NGX_ERROR, or the status of the refusal */
static ngx_int_t
ngx_leaseloft_access_ask(ngx_leaseloft_ctx_t *ctx)
{
    ngx_http_request_t       *r;
    ngx_leaseloft_access_t   *access;
    ngx_leaseloft_channel_t  *channel;

    r = ctx->request;
    channel = ngx_leaseloft_access_channel(ctx);

    if (channel && ngx_leaseloft_channel_admits(channel, &ctx->user)) {
        return NGX_OK;
    }

    access = ngx_palloc(r->pool, sizeof(ngx_leaseloft_access_t));
    if (access == NULL) {
        return NGX_ERROR;
    }

    access->ctx = ctx;
    access->watched = channel && ngx_leaseloft_channel_live(channel);
    access->rev = access->watched ? channel->rev : 0;
    access->command = ngx_leaseloft_link_property_call(ctx->process->link,
                          LL_FUNCTION "access", &ctx->property, 1, &ctx->user,
                          ngx_leaseloft_access_reply, access);

    if (access->command == NULL) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    if (ngx_leaseloft_watch(r, NGX_LEASELOFT_HOLD,
                            ngx_leaseloft_access_expired,
                            ngx_leaseloft_access_gone, access)
        != NGX_OK)
    {
        ngx_leaseloft_link_cancel(access->command);
        return NGX_ERROR;
    }

    return NGX_AGAIN;
}


/*
 * The answer is at least as new as the rev that was known when it was asked
 * for, so it may be relied on until a newer one is heard of.
 */
static void
ngx_leaseloft_access_admit(ngx_leaseloft_access_t *access)
{
    ngx_leaseloft_channel_t  *channel;

    if (!access->watched) {
        return;
    }

    channel = ngx_leaseloft_access_channel(access->ctx);

    if (channel) {
        ngx_leaseloft_channel_admit(channel, &access->ctx->user, access->rev);
    }
}


static void
ngx_leaseloft_access_reply(void *data, ngx_leaseloft_outcome_e outcome,
    redisReply *reply)
{
    ngx_leaseloft_access_t  *access = data;

    ngx_uint_t  status;

    status = NGX_HTTP_SERVICE_UNAVAILABLE;

    if (outcome == NGX_LEASELOFT_REPLIED) {

        switch (reply->type) {

        case REDIS_REPLY_INTEGER:
            status = 0;
            ngx_leaseloft_access_admit(access);
            break;

        case REDIS_REPLY_NIL:
            status = NGX_HTTP_NOT_FOUND;
            break;

        default:
            ngx_log_error(NGX_LOG_ERR, access->ctx->process->log, 0,
                          "redis did not say who may write: \"%s\"",
                          reply->type == REDIS_REPLY_ERROR ? reply->str : "");
            break;
        }
    }

    ngx_leaseloft_access_done(access, status);
}


static void
ngx_leaseloft_access_expired(void *data)
{
    ngx_leaseloft_access_t  *access = data;

    ngx_leaseloft_link_cancel(access->command);
    ngx_leaseloft_access_done(access, NGX_HTTP_SERVICE_UNAVAILABLE);
}


static void
ngx_leaseloft_access_gone(void *data)
{
    ngx_leaseloft_access_t  *access = data;

    ngx_leaseloft_link_cancel(access->command);
}


/* goes on with the phases where the handler left them */
static void
ngx_leaseloft_access_done(ngx_leaseloft_access_t *access, ngx_uint_t status)
{
    ngx_connection_t     *c;
    ngx_http_request_t   *r;
    ngx_leaseloft_ctx_t  *ctx;

    ctx = access->ctx;
    r = ctx->request;
    c = r->connection;

    ngx_leaseloft_release(r);

    ctx->status = status;
    ctx->checked = 1;

    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);

    ngx_http_run_posted_requests(c);
}


ngx_int_t
ngx_leaseloft_content_handler(ngx_http_request_t *r)
{
    ngx_int_t             rc;
    ngx_leaseloft_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_leaseloft_module);

    /* subrequests have no endpoints */
    if (ctx == NULL || !ctx->checked) {
        return NGX_HTTP_NOT_FOUND;
    }

    if (ctx->status == NGX_HTTP_NO_CONTENT) {
        return ngx_leaseloft_cors_send_preflight(r);
    }

    if (ctx->status) {
        return ngx_leaseloft_request_refuse(r, ctx);
    }

    if (!ctx->endpoint->body) {
        rc = ngx_http_discard_request_body(r);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return ctx->endpoint->handler(r, ctx);
}


/*
 * nginx resets an HTTP/2 stream that it has answered while the body was on its
 * way, and clients, curl 7.88 among them, may then lose the answer; so a body
 * of a size that we would have taken is awaited first.
 */
static ngx_int_t
ngx_leaseloft_request_refuse(ngx_http_request_t *r, ngx_leaseloft_ctx_t *ctx)
{
    if (r->http_version >= NGX_HTTP_VERSION_20
        && (r->headers_in.content_length_n > 0 || r->headers_in.chunked))
    {
        return ngx_leaseloft_read_body(r, NULL);
    }

    return ngx_leaseloft_send_problem(r, ctx->status, NULL);
}
