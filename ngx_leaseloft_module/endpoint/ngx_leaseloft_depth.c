
/*
 * Three commands for each configured queue, and one for searches, in one trip.
 */


#include "ngx_leaseloft_depth.h"


static void
ngx_leaseloft_depth_reply(void *data, ngx_leaseloft_outcome_e outcome,
    redisReply *reply)
{
    ngx_leaseloft_depth_item_t  *item = data;

    redisReply  *first;

    item->command = NULL;

    if (outcome != NGX_LEASELOFT_REPLIED) {
        return;
    }

    if (reply->type == REDIS_REPLY_INTEGER) {
        item->value = reply->integer;

    } else if (reply->type == REDIS_REPLY_ARRAY) {

        /* the id of an entry begins with its time */

        first = reply->elements ? reply->element[0] : NULL;
        item->value = first && first->type == REDIS_REPLY_ARRAY
                      && first->elements
                      && first->element[0]->type == REDIS_REPLY_STRING
                      ? strtoll(first->element[0]->str, NULL, 10) : 0;
    }
}


static void
ngx_leaseloft_depth_cleanup(void *data)
{
    ngx_array_t *items = data;

    ngx_uint_t                   i;
    ngx_leaseloft_depth_item_t  *item;

    item = items->elts;

    for (i = 0; i < items->nelts; i++) {
        if (item[i].command) {
            ngx_leaseloft_command_cancel(item[i].command);
        }
    }
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

    item->command = ngx_leaseloft_client_command(process->client, argc, argv,
                                                 ngx_leaseloft_depth_reply,
                                                 item);
}


ngx_int_t
ngx_leaseloft_depth_ask(ngx_leaseloft_ctx_t *ctx, ngx_array_t *items)
{
    ngx_uint_t                   k, n, queues, what;
    ngx_pool_cleanup_t          *cln;
    ngx_leaseloft_depth_item_t  *item;

    queues = ctx->process->conf->queues;
    n = NGX_LEASELOFT_DEPTH_SEARCHES * queues + 1;

    if (ngx_array_init(items, ctx->request->pool, n,
                       sizeof(ngx_leaseloft_depth_item_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    cln = ngx_pool_cleanup_add(ctx->request->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    item = ngx_array_push_n(items, n);

    for (what = 0; what < NGX_LEASELOFT_DEPTH_WHATS; what++) {
        for (k = 0; k < queues; k++) {
            item->what = what;
            item->queue = k;
            item->value = -1;
            item->command = NULL;
            item++;

            if (what == NGX_LEASELOFT_DEPTH_SEARCHES) {
                break;
            }
        }
    }

    cln->handler = ngx_leaseloft_depth_cleanup;
    cln->data = items;

    for (item = items->elts; n; n--) {
        ngx_leaseloft_depth_send(ctx->process, item++);
    }

    return NGX_OK;
}
