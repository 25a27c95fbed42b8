
/*
 * Checks whether a user has access to a property, by the cache of its channel,
 * or by Redis while the request waits in the preaccess phase.  The state of a
 * check is in the request's pool.
 *
 * A process that has just started may not know yet which server of a cluster
 * has what.  Commands wait for that by themselves, but a request cannot be
 * queued before.
 */


#include "ngx_leaseloft_access.h"
#include "ngx_leaseloft_call.h"
#include "ngx_leaseloft_channel.h"
#include "ngx_leaseloft_channel_cache.h"
#include "ngx_leaseloft_wait.h"


/* ms between two looks at the map, and how often to look */
#define NGX_LEASELOFT_ACCESS_STEP   20
#define NGX_LEASELOFT_ACCESS_STEPS  50


/* a check by Redis */
typedef struct {
    ngx_leaseloft_ctx_t        *ctx;
    ngx_leaseloft_command_t    *command;
    uint64_t                    rev;       /* of the channel when sent */
    unsigned                    watched:1; /* the channel was live */
} ngx_leaseloft_access_t;


/* a request that waits for the map of a cluster */
typedef struct {
    ngx_leaseloft_ctx_t        *ctx;
    ngx_uint_t                  steps;     /* to come */
} ngx_leaseloft_await_t;


static void ngx_leaseloft_access_reply(void *data,
    ngx_leaseloft_outcome_e outcome, redisReply *reply);
static void ngx_leaseloft_access_on_timeout(void *data);
static void ngx_leaseloft_access_on_close(void *data);
static ngx_int_t ngx_leaseloft_access_step(ngx_leaseloft_await_t *await);
static void ngx_leaseloft_access_await_on_timeout(void *data);
static void ngx_leaseloft_access_await_on_close(void *data);
static void ngx_leaseloft_access_done(ngx_leaseloft_ctx_t *ctx,
    ngx_uint_t status);


static ngx_leaseloft_channel_t *
ngx_leaseloft_access_channel(ngx_leaseloft_ctx_t *ctx)
{
    return ngx_leaseloft_channel_find(ctx->process,
                                      NGX_LEASELOFT_CHANNEL_PROPERTY,
                                      &ctx->property);
}


ngx_int_t
ngx_leaseloft_access_ask(ngx_leaseloft_ctx_t *ctx)
{
    ngx_http_request_t       *r;
    ngx_leaseloft_access_t   *access;
    ngx_leaseloft_channel_t  *channel;

    r = ctx->request;
    channel = ngx_leaseloft_access_channel(ctx);

    if (channel && ngx_leaseloft_channel_cache_is_cached(channel, &ctx->user)) {
        return NGX_OK;
    }

    access = ngx_palloc(r->pool, sizeof(ngx_leaseloft_access_t));
    if (access == NULL) {
        return NGX_ERROR;
    }

    access->ctx = ctx;
    access->watched = channel && ngx_leaseloft_channel_live(channel);
    access->rev = access->watched ? channel->rev : 0;
    access->command = ngx_leaseloft_call_property(ctx->process->cluster,
                          LL_FUNCTION "access", &ctx->property, 1, &ctx->user,
                          ngx_leaseloft_access_reply, access);

    if (access->command == NULL) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    if (ngx_leaseloft_wait_in_phase(r, NGX_LEASELOFT_WAIT_TIME,
                                    ngx_leaseloft_access_on_timeout,
                                    ngx_leaseloft_access_on_close, access)
        != NGX_OK)
    {
        ngx_leaseloft_command_cancel(access->command);
        return NGX_ERROR;
    }

    return NGX_AGAIN;
}


/*
 * The reply is at least as new as the channel's rev when the command was sent,
 * so it is valid until the channel receives a newer rev.
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
        ngx_leaseloft_channel_cache_allow(channel, &access->ctx->user,
                                          access->rev);
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
                          "checking access in redis failed: \"%s\"",
                          reply->type == REDIS_REPLY_ERROR ? reply->str
                                                           : "malformed reply");
            break;
        }
    }

    ngx_leaseloft_access_done(access->ctx, status);
}


static void
ngx_leaseloft_access_on_timeout(void *data)
{
    ngx_leaseloft_access_t  *access = data;

    ngx_leaseloft_command_cancel(access->command);
    ngx_leaseloft_access_done(access->ctx, NGX_HTTP_SERVICE_UNAVAILABLE);
}


static void
ngx_leaseloft_access_on_close(void *data)
{
    ngx_leaseloft_access_t  *access = data;

    ngx_leaseloft_command_cancel(access->command);
}


ngx_int_t
ngx_leaseloft_access_await(ngx_leaseloft_ctx_t *ctx)
{
    ngx_leaseloft_await_t  *await;

    if (!ngx_leaseloft_cluster_starting(ctx->process->cluster)) {
        return NGX_OK;
    }

    await = ngx_palloc(ctx->request->pool, sizeof(ngx_leaseloft_await_t));
    if (await == NULL) {
        return NGX_ERROR;
    }

    await->ctx = ctx;
    await->steps = NGX_LEASELOFT_ACCESS_STEPS;

    return ngx_leaseloft_access_step(await) == NGX_OK ? NGX_AGAIN : NGX_ERROR;
}


static ngx_int_t
ngx_leaseloft_access_step(ngx_leaseloft_await_t *await)
{
    await->steps--;

    return ngx_leaseloft_wait_in_phase(await->ctx->request,
                                       NGX_LEASELOFT_ACCESS_STEP,
                                       ngx_leaseloft_access_await_on_timeout,
                                       ngx_leaseloft_access_await_on_close,
                                       await);
}


/* without a map, the request is refused when it is to be queued */
static void
ngx_leaseloft_access_await_on_timeout(void *data)
{
    ngx_leaseloft_await_t *await = data;

    if (await->steps
        && ngx_leaseloft_cluster_starting(await->ctx->process->cluster)
        && ngx_leaseloft_access_step(await) == NGX_OK)
    {
        return;
    }

    ngx_leaseloft_access_done(await->ctx, 0);
}


/* nothing refers to the request */
static void
ngx_leaseloft_access_await_on_close(void *data)
{
    (void) data;
}


/* continues the phases where the preaccess handler stopped */
static void
ngx_leaseloft_access_done(ngx_leaseloft_ctx_t *ctx, ngx_uint_t status)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = ctx->request;
    c = r->connection;

    ngx_leaseloft_wait_end(r);

    ctx->status = status ? status : ctx->fault ? NGX_HTTP_BAD_REQUEST : 0;
    ctx->checked = 1;

    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);

    ngx_http_run_posted_requests(c);
}
