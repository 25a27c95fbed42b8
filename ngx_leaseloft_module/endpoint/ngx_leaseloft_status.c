
/*
 * Metrics and health.  Both ask Redis what it has heard of the workers, and
 * wait for no longer than 2 seconds.
 */


#include "ngx_leaseloft_client.h"
#include "ngx_leaseloft_metrics.h"
#include "ngx_leaseloft_response.h"
#include "ngx_leaseloft_wait.h"


#define NGX_LEASELOFT_STATUS_WAIT  2000


typedef struct {
    ngx_leaseloft_ctx_t        *ctx;
    ngx_leaseloft_command_t    *command;
    /* reply is NULL when Redis did not answer */
    ngx_int_t                 (*answer)(ngx_leaseloft_ctx_t *ctx,
                                        redisReply *reply);
} ngx_leaseloft_status_t;


static ngx_int_t ngx_leaseloft_metrics_handler(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx);
static ngx_int_t ngx_leaseloft_health_handler(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx);
static ngx_int_t ngx_leaseloft_status_ask(ngx_leaseloft_ctx_t *ctx,
    ngx_int_t (*answer)(ngx_leaseloft_ctx_t *ctx, redisReply *reply));
static void ngx_leaseloft_status_reply(void *data,
    ngx_leaseloft_outcome_e outcome, redisReply *reply);
static void ngx_leaseloft_status_expired(void *data);
static void ngx_leaseloft_status_gone(void *data);
static ngx_int_t ngx_leaseloft_metrics_answer(ngx_leaseloft_ctx_t *ctx,
    redisReply *reply);
static ngx_int_t ngx_leaseloft_health_answer(ngx_leaseloft_ctx_t *ctx,
    redisReply *reply);


ngx_leaseloft_endpoint_t  ngx_leaseloft_metrics_endpoint = {
    .method = NGX_HTTP_GET,
    .methods = ngx_string("GET"),
    .handler = ngx_leaseloft_metrics_handler
};


ngx_leaseloft_endpoint_t  ngx_leaseloft_health_endpoint = {
    .method = NGX_HTTP_GET,
    .methods = ngx_string("GET"),
    .handler = ngx_leaseloft_health_handler
};


static ngx_int_t
ngx_leaseloft_metrics_handler(ngx_http_request_t *r, ngx_leaseloft_ctx_t *ctx)
{
    return ngx_leaseloft_status_ask(ctx, ngx_leaseloft_metrics_answer);
}


static ngx_int_t
ngx_leaseloft_health_handler(ngx_http_request_t *r, ngx_leaseloft_ctx_t *ctx)
{
    return ngx_leaseloft_status_ask(ctx, ngx_leaseloft_health_answer);
}


static ngx_int_t
ngx_leaseloft_status_ask(ngx_leaseloft_ctx_t *ctx,
    ngx_int_t (*answer)(ngx_leaseloft_ctx_t *ctx, redisReply *reply))
{
    char                     key[LL_KEY_MAX];
    ngx_str_t                argv[4];
    ngx_leaseloft_status_t  *status;

    if (!ngx_leaseloft_link_up(ctx->process->link)
        && !ngx_leaseloft_link_starting(ctx->process->link))
    {
        return answer(ctx, NULL);
    }

    status = ngx_palloc(ctx->request->pool, sizeof(ngx_leaseloft_status_t));
    if (status == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_str_set(&argv[0], "FCALL_RO");
    ngx_str_set(&argv[1], LL_FUNCTION "health");
    ngx_str_set(&argv[2], "1");
    argv[3].len = ll_keys_workers(key);
    argv[3].data = (u_char *) key;

    status->ctx = ctx;
    status->answer = answer;
    status->command = ngx_leaseloft_link_command(ctx->process->link, 4, argv,
                                                 ngx_leaseloft_status_reply,
                                                 status);
    if (status->command == NULL) {
        return answer(ctx, NULL);
    }

    if (ngx_leaseloft_hold_for(ctx->request, NGX_LEASELOFT_STATUS_WAIT,
                               ngx_leaseloft_status_expired,
                               ngx_leaseloft_status_gone, status)
        != NGX_OK)
    {
        ngx_leaseloft_link_cancel(status->command);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_DONE;
}


static void
ngx_leaseloft_status_reply(void *data, ngx_leaseloft_outcome_e outcome,
    redisReply *reply)
{
    ngx_leaseloft_status_t  *status = data;

    if (outcome != NGX_LEASELOFT_REPLIED) {
        reply = NULL;
    }

    ngx_leaseloft_finalize(status->ctx->request,
                           status->answer(status->ctx, reply));
}


static void
ngx_leaseloft_status_expired(void *data)
{
    ngx_leaseloft_status_t  *status = data;

    ngx_leaseloft_link_cancel(status->command);

    ngx_leaseloft_finalize(status->ctx->request,
                           status->answer(status->ctx, NULL));
}


static void
ngx_leaseloft_status_gone(void *data)
{
    ngx_leaseloft_status_t  *status = data;

    ngx_leaseloft_link_cancel(status->command);
}


static ngx_int_t
ngx_leaseloft_metrics_answer(ngx_leaseloft_ctx_t *ctx, redisReply *reply)
{
    ngx_str_t  text;

    static ngx_str_t  type =
        ngx_string("text/plain; version=0.0.4; charset=utf-8");

    if (ngx_leaseloft_metrics_create(ctx->request->pool, ctx->process, reply,
                                     &text)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_leaseloft_send_response(ctx->request, NGX_HTTP_OK, &type,
                                       &text);
}


/*
 * Messages can be sent and delivered while Redis answers and is heard, has the
 * functions, and a worker has said that it lives: it says so by writing, so a
 * Redis that takes no writes is found out, too.
 */
static ngx_int_t
ngx_leaseloft_health_answer(ngx_leaseloft_ctx_t *ctx, redisReply *reply)
{
    static ngx_str_t  up = ngx_string(
        "{\"status\":\"up\",\"redis\":\"up\",\"workers\":\"up\"}");
    static ngx_str_t  redis = ngx_string(
        "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\","
        "\"status\":503,\"detail\":\"Redis does not answer.\","
        "\"redis\":\"down\",\"workers\":\"unknown\"}");
    static ngx_str_t  functions = ngx_string(
        "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\","
        "\"status\":503,\"detail\":\"Redis refuses to say whether workers "
        "run: none has loaded its functions yet, or the rights of nginx's "
        "user do not allow them.\",\"redis\":\"up\",\"workers\":\"down\"}");
    static ngx_str_t  workers = ngx_string(
        "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\","
        "\"status\":503,\"detail\":\"No worker has been heard of for 3 "
        "seconds.\",\"redis\":\"up\",\"workers\":\"down\"}");

    ngx_str_t  *document;

    if (reply == NULL) {
        document = &redis;

    } else if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 2
               || reply->element[1]->type != REDIS_REPLY_INTEGER)
    {
        document = &functions;

    } else if (reply->element[1]->integer < 1) {
        document = &workers;

    } else {
        return ngx_leaseloft_send_json(ctx->request, NGX_HTTP_OK, &up);
    }

    return ngx_leaseloft_send_problem_document(ctx->request,
                                               NGX_HTTP_SERVICE_UNAVAILABLE,
                                               document);
}
