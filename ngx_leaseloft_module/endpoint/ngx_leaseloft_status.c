
/*
 * Metrics and health.  Both ask Redis for the heartbeats of the workers, and
 * wait for the reply for at most 2 seconds.  The state of a request is in its
 * pool.
 */


#include "ngx_leaseloft_cluster.h"
#include "ngx_leaseloft_metrics.h"
#include "ngx_leaseloft_response.h"
#include "ngx_leaseloft_status.h"
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


/* the lane of searches, for metrics */
typedef struct {
    ngx_leaseloft_command_t    *command;   /* NULL: Redis has replied */
    ngx_uint_t                  length;
} ngx_leaseloft_lane_t;


static void ngx_leaseloft_status_lane_reply(void *data,
    ngx_leaseloft_outcome_e outcome, redisReply *reply);
static void ngx_leaseloft_status_lane_cleanup(void *data);
static ngx_int_t ngx_leaseloft_status_metrics_handler(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx);
static void ngx_leaseloft_status_reply(void *data,
    ngx_leaseloft_outcome_e outcome, redisReply *reply);
static void ngx_leaseloft_status_on_timeout(void *data);
static void ngx_leaseloft_status_on_close(void *data);
static ngx_int_t ngx_leaseloft_status_metrics_answer(ngx_leaseloft_ctx_t *ctx,
    redisReply *reply);


ngx_leaseloft_endpoint_t  ngx_leaseloft_metrics_endpoint = {
    .method = NGX_HTTP_GET,
    .methods = ngx_string("GET"),
    .handler = ngx_leaseloft_status_metrics_handler
};


/*
 * Asks for the length of the lane.  Redis replies in order, so it is known when
 * the reply to the next command arrives; 0 if Redis does not reply.
 */
static ngx_int_t
ngx_leaseloft_status_lane_ask(ngx_leaseloft_ctx_t *ctx)
{
    char                   key[LL_KEY_MAX];
    ngx_str_t              argv[2];
    ngx_pool_cleanup_t    *cln;
    ngx_leaseloft_lane_t  *lane;

    cln = ngx_pool_cleanup_add(ctx->request->pool,
                               sizeof(ngx_leaseloft_lane_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    lane = cln->data;
    cln->handler = ngx_leaseloft_status_lane_cleanup;

    ngx_str_set(&argv[0], "XLEN");
    argv[1].len = ll_keys_search(key);
    argv[1].data = (u_char *) key;

    lane->length = 0;
    lane->command = ngx_leaseloft_cluster_command(ctx->process->cluster,
                        &argv[1], 2, argv,
                        ngx_leaseloft_status_lane_reply, lane);
    ctx->data = lane;

    return NGX_OK;
}


static void
ngx_leaseloft_status_lane_reply(void *data, ngx_leaseloft_outcome_e outcome,
    redisReply *reply)
{
    ngx_leaseloft_lane_t  *lane = data;

    lane->command = NULL;

    if (outcome == NGX_LEASELOFT_REPLIED && reply->type == REDIS_REPLY_INTEGER)
    {
        lane->length = (ngx_uint_t) reply->integer;
    }
}


static void
ngx_leaseloft_status_lane_cleanup(void *data)
{
    ngx_leaseloft_lane_t  *lane = data;

    if (lane->command) {
        ngx_leaseloft_command_cancel(lane->command);
    }
}


static ngx_int_t
ngx_leaseloft_status_metrics_handler(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx)
{
    if (ngx_leaseloft_status_lane_ask(ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_leaseloft_status_ask(ctx, ngx_leaseloft_status_metrics_answer);
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


uint64_t
ngx_leaseloft_status_queues(ngx_leaseloft_process_t *process)
{
    uint64_t                 queues;
    ngx_int_t                k;
    ngx_leaseloft_client_t  *client;

    if (!process->conf->redis.cluster) {
        return ~(uint64_t) 0 >> (LL_QUEUES_MAX - process->conf->queues);
    }

    queues = 0;

    for (client = ngx_leaseloft_cluster_next(process->cluster, NULL);
         client;
         client = ngx_leaseloft_cluster_next(process->cluster, client))
    {
        k = ngx_leaseloft_cluster_home(process->cluster, client);

        if (k != -1 && ngx_leaseloft_client_up(client)) {
            queues |= (uint64_t) 1 << k;
        }
    }

    return queues;
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
    ngx_str_t              text;
    ngx_leaseloft_lane_t  *lane;

    static ngx_str_t  type =
        ngx_string("text/plain; version=0.0.4; charset=utf-8");

    lane = ctx->data;

    if (ngx_leaseloft_metrics_create(ctx->request->pool, ctx->process, reply,
                                     lane->length, &text)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_leaseloft_response_send(ctx->request, NGX_HTTP_OK, &type,
                                       &text);
}
