
/*
 * Three commands for each queue, and one for searches.  In a Redis Cluster they
 * go to the primaries that have the queues, which reply in any order.
 */


#include "ngx_leaseloft_cluster.h"
#include "ngx_leaseloft_depth.h"
#include "ngx_leaseloft_wait.h"


#define NGX_LEASELOFT_DEPTH_WAIT  1000


/* the reply to a command, or NULL */
static int64_t
ngx_leaseloft_depth_value(redisReply *reply)
{
    redisReply  *first;

    if (reply && reply->type == REDIS_REPLY_INTEGER) {
        return reply->integer;
    }

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY) {
        return -1;
    }

    /* the id of an entry begins with its time */

    first = reply->elements ? reply->element[0] : NULL;

    return first && first->type == REDIS_REPLY_ARRAY && first->elements
           && first->element[0]->type == REDIS_REPLY_STRING
           ? strtoll(first->element[0]->str, NULL, 10) : 0;
}


static void
ngx_leaseloft_depth_reply(void *data, ngx_leaseloft_outcome_e outcome,
    redisReply *reply)
{
    ngx_leaseloft_depth_item_t  *item = data;

    ngx_leaseloft_ctx_t    *ctx;
    ngx_leaseloft_depth_t  *depth;

    depth = item->depth;
    ctx = depth->ctx;

    item->command = NULL;
    item->value = ngx_leaseloft_depth_value(outcome == NGX_LEASELOFT_REPLIED
                                            ? reply : NULL);

    if (--depth->outstanding == 0) {
        ngx_leaseloft_wait_continue(ctx->request, depth->next, ctx);
    }
}


static void
ngx_leaseloft_depth_cancel(ngx_leaseloft_depth_t *depth)
{
    ngx_uint_t                   i;
    ngx_leaseloft_depth_item_t  *item;

    item = depth->items.elts;

    for (i = 0; i < depth->items.nelts; i++) {
        if (item[i].command) {
            ngx_leaseloft_command_cancel(item[i].command);
            item[i].command = NULL;
        }
    }
}


static void
ngx_leaseloft_depth_on_timeout(void *data)
{
    ngx_leaseloft_depth_t *depth = data;

    ngx_leaseloft_depth_cancel(depth);
    ngx_leaseloft_wait_continue(depth->ctx->request, depth->next, depth->ctx);
}


static void
ngx_leaseloft_depth_on_close(void *data)
{
    ngx_leaseloft_depth_cancel(data);
}


uint64_t
ngx_leaseloft_depth_queues(ngx_leaseloft_process_t *process)
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


static void
ngx_leaseloft_depth_send(ngx_leaseloft_process_t *process,
    ngx_leaseloft_depth_item_t *item)
{
    char        key[LL_KEY_MAX];
    ngx_str_t   argv[6];
    ngx_uint_t  argc;

    argc = 2;
    ngx_str_set(&argv[0], "XLEN");

    switch (item->what) {

    case NGX_LEASELOFT_DEPTH_OLDEST:
        ngx_str_set(&argv[0], "XRANGE");
        ngx_str_set(&argv[2], "-");
        ngx_str_set(&argv[3], "+");
        ngx_str_set(&argv[4], "COUNT");
        ngx_str_set(&argv[5], "1");
        argc = 6;
        /* fall through */

    case NGX_LEASELOFT_DEPTH_LENGTH:
        argv[1].len = ll_keys_queue(key, (unsigned) item->queue);
        break;

    case NGX_LEASELOFT_DEPTH_DEAD:
        argv[1].len = ll_keys_dead(key, (unsigned) item->queue);
        break;

    default: /* NGX_LEASELOFT_DEPTH_SEARCHES */
        argv[1].len = ll_keys_search(key);
        break;
    }

    argv[1].data = (u_char *) key;

    item->command = ngx_leaseloft_cluster_command(process->cluster, &argv[1],
                                                  argc, argv,
                                                  ngx_leaseloft_depth_reply,
                                                  item);
    if (item->command) {
        item->depth->outstanding++;
    }
}


static ngx_int_t
ngx_leaseloft_depth_items(ngx_leaseloft_depth_t *depth, ngx_pool_t *pool,
    uint64_t queues)
{
    ngx_uint_t                   k, what;
    ngx_leaseloft_depth_item_t  *item;

    if (ngx_array_init(&depth->items, pool, 16,
                       sizeof(ngx_leaseloft_depth_item_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (what = 0; what < NGX_LEASELOFT_DEPTH_WHATS; what++) {

        if (what == NGX_LEASELOFT_DEPTH_SEARCHES) {
            queues = 1;
        }

        for (k = 0; k < LL_QUEUES_MAX; k++) {

            if (!((queues >> k) & 1)) {
                continue;
            }

            item = ngx_array_push(&depth->items);
            if (item == NULL) {
                return NGX_ERROR;
            }

            item->depth = depth;
            item->what = what;
            item->queue = k;
            item->command = NULL;
            item->value = -1;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_depth_ask(ngx_leaseloft_ctx_t *ctx,
    ngx_leaseloft_depth_t *depth, ngx_int_t (*next)(void *data))
{
    ngx_uint_t                   i;
    ngx_leaseloft_depth_item_t  *item;

    depth->ctx = ctx;
    depth->next = next;
    depth->outstanding = 0;

    if (ngx_leaseloft_depth_items(depth, ctx->request->pool,
                                  ngx_leaseloft_depth_queues(ctx->process))
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    item = depth->items.elts;

    for (i = 0; i < depth->items.nelts; i++) {
        ngx_leaseloft_depth_send(ctx->process, &item[i]);
    }

    if (depth->outstanding == 0) {
        return next(ctx);
    }

    if (ngx_leaseloft_wait_for(ctx->request, NGX_LEASELOFT_DEPTH_WAIT,
                               ngx_leaseloft_depth_on_timeout,
                               ngx_leaseloft_depth_on_close, depth)
        != NGX_OK)
    {
        ngx_leaseloft_depth_cancel(depth);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_DONE;
}
