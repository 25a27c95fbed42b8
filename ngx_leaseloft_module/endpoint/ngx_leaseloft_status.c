
/*
 * Metrics and health.  Both ask Redis for the heartbeats of the workers, and
 * wait for the reply for at most 2 seconds.  The state of a request is in its
 * pool.
 */


#include "ngx_leaseloft_cluster.h"
#include "ngx_leaseloft_metrics.h"
#include "ngx_leaseloft_response.h"
#include "ngx_leaseloft_status.h"
#include "ngx_leaseloft_switch.h"
#include "ngx_leaseloft_wait.h"


#define NGX_LEASELOFT_STATUS_WAIT  2000
#define NGX_LEASELOFT_STATUS_ARGS  11


typedef struct {
    ngx_leaseloft_ctx_t        *ctx;
    ngx_leaseloft_command_t    *command;
    /* reply is NULL if Redis did not reply */
    ngx_int_t                   (*answer)(ngx_leaseloft_ctx_t *ctx,
                                        redisReply *reply);
} ngx_leaseloft_status_t;


static ngx_int_t ngx_leaseloft_status_metrics_handler(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx);
static ngx_uint_t ngx_leaseloft_status_is(ngx_str_t *value, char *text);
static void ngx_leaseloft_status_reply(void *data,
    ngx_leaseloft_outcome_e outcome, redisReply *reply);
static void ngx_leaseloft_status_on_timeout(void *data);
static void ngx_leaseloft_status_on_close(void *data);
static ngx_int_t ngx_leaseloft_status_metrics_ask(void *data);
static ngx_int_t ngx_leaseloft_status_metrics_answer(ngx_leaseloft_ctx_t *ctx,
    redisReply *reply);


ngx_leaseloft_endpoint_t  ngx_leaseloft_metrics_endpoint = {
    .kind = NGX_LEASELOFT_ENDPOINT_METRICS,
    .method = NGX_HTTP_GET,
    .methods = ngx_string("GET"),
    .handler = ngx_leaseloft_status_metrics_handler
};


static ngx_int_t
ngx_leaseloft_status_metrics_handler(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx)
{
    ngx_str_t                 part;
    ngx_leaseloft_metrics_t  *metrics;

    metrics = ngx_pcalloc(r->pool, sizeof(ngx_leaseloft_metrics_t));
    if (metrics == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    metrics->nginx = 1;
    metrics->service = 1;

    if (ngx_http_arg(r, (u_char *) "part", 4, &part) == NGX_OK) {
        metrics->nginx = !ngx_leaseloft_status_is(&part, "service");
        metrics->service = !ngx_leaseloft_status_is(&part, "nginx");
    }

    ctx->data = metrics;

    if (!metrics->service) {
        return ngx_leaseloft_status_metrics_answer(ctx, NULL);
    }

    return ngx_leaseloft_depth_ask(ctx, &metrics->depth,
                                   ngx_leaseloft_status_metrics_ask);
}


/* the depth is known */
static ngx_int_t
ngx_leaseloft_status_metrics_ask(void *data)
{
    return ngx_leaseloft_status_ask(data, ngx_leaseloft_status_metrics_answer);
}


static ngx_uint_t
ngx_leaseloft_status_is(ngx_str_t *value, char *text)
{
    return value->len == ngx_strlen(text)
           && ngx_memcmp(value->data, text, value->len) == 0;
}


/*
 * FCALL_RO ll1_health, with the key of the workers, and examples of the keys
 * and channels that nginx uses, for which Redis checks nginx's rights.
 */
static void
ngx_leaseloft_status_command(ngx_leaseloft_process_t *process, ngx_uint_t k,
    char (*keys)[LL_KEY_MAX], ngx_str_t *argv)
{
    ngx_uint_t  i;

    static const char    id[] = "example";
    static const size_t  len = sizeof(id) - 1;

    ngx_str_set(&argv[0], "FCALL_RO");
    ngx_str_set(&argv[1], LL_FUNCTION "health");
    ngx_str_set(&argv[2], "1");

    argv[3].len = ll_keys_workers(keys[3], k);
    argv[4].len = ll_keys_queue(keys[4], k);
    argv[5].len = ll_keys_nginx(keys[5], k);
    argv[6].len = ll_keys_property(keys[6], LL_KEY_META, id, len);
    argv[7].len = ll_keys_user(keys[7], LL_KEY_USER_INBOX, id, len);
    argv[8].len = ll_keys_reply_channel(keys[8],
                                        (char *) process->name.data,
                                        process->name.len);
    argv[9].len = ll_keys_property_channel(keys[9], id, len);
    argv[10].len = ll_keys_user_channel(keys[10], id, len);

    for (i = 3; i < NGX_LEASELOFT_STATUS_ARGS; i++) {
        argv[i].data = (u_char *) keys[i];
    }
}


/*
 * The queue whose server is asked, the first one that can be reached, as each
 * of them has the heartbeats of all workers; -1: there is none.
 */
static ngx_int_t
ngx_leaseloft_status_queue(ngx_leaseloft_cluster_t *cluster)
{
    ngx_int_t                k;
    ngx_leaseloft_client_t  *client;

    for (client = ngx_leaseloft_cluster_next(cluster, NULL);
         client;
         client = ngx_leaseloft_cluster_next(cluster, client))
    {
        k = ngx_leaseloft_cluster_home(cluster, client);

        if (k != -1 && (ngx_leaseloft_client_ready(client)
                        || ngx_leaseloft_client_starting(client)))
        {
            return k;
        }
    }

    return ngx_leaseloft_cluster_starting(cluster) ? 0 : -1;
}


ngx_int_t
ngx_leaseloft_status_ask(ngx_leaseloft_ctx_t *ctx,
    ngx_int_t (*answer)(ngx_leaseloft_ctx_t *ctx, redisReply *reply))
{
    char                     keys[NGX_LEASELOFT_STATUS_ARGS][LL_KEY_MAX];
    ngx_str_t                argv[NGX_LEASELOFT_STATUS_ARGS];
    ngx_int_t                k;
    ngx_leaseloft_status_t  *status;

    k = ngx_leaseloft_status_queue(ctx->process->cluster);
    if (k == -1) {
        return answer(ctx, NULL);
    }

    status = ngx_palloc(ctx->request->pool, sizeof(ngx_leaseloft_status_t));
    if (status == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_leaseloft_status_command(ctx->process, k, keys, argv);

    status->ctx = ctx;
    status->answer = answer;
    status->command = ngx_leaseloft_cluster_command(ctx->process->cluster,
                                                    &argv[3],
                                                    NGX_LEASELOFT_STATUS_ARGS,
                                                    argv,
                                                    ngx_leaseloft_status_reply,
                                                    status);
    if (status->command == NULL) {
        return answer(ctx, NULL);
    }

    if (ngx_leaseloft_wait_for(ctx->request, NGX_LEASELOFT_STATUS_WAIT,
                               ngx_leaseloft_status_on_timeout,
                               ngx_leaseloft_status_on_close, status)
        != NGX_OK)
    {
        ngx_leaseloft_command_cancel(status->command);
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

    ngx_leaseloft_wait_finalize(status->ctx->request,
                                status->answer(status->ctx, reply));
}


static void
ngx_leaseloft_status_on_timeout(void *data)
{
    ngx_leaseloft_status_t  *status = data;

    ngx_leaseloft_command_cancel(status->command);

    ngx_leaseloft_wait_finalize(status->ctx->request,
                                status->answer(status->ctx, NULL));
}


static void
ngx_leaseloft_status_on_close(void *data)
{
    ngx_leaseloft_status_t  *status = data;

    ngx_leaseloft_command_cancel(status->command);
}


static ngx_int_t
ngx_leaseloft_status_metrics_answer(ngx_leaseloft_ctx_t *ctx, redisReply *reply)
{
    ngx_str_t                 text;
    ngx_leaseloft_metrics_t  *metrics;

    static ngx_str_t  type =
        ngx_string("text/plain; version=0.0.4; charset=utf-8");

    metrics = ctx->data;
    metrics->reply = reply;
    metrics->drained = ngx_leaseloft_switch_on(ctx->request) == NGX_OK;

    if (ngx_leaseloft_metrics_create(ctx->request->pool, ctx->process, metrics,
                                     &text)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_leaseloft_response_send(ctx->request, NGX_HTTP_OK, &type,
                                       &text);
}
