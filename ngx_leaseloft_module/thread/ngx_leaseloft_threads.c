
/*
 * One command for each thread, all sent at once.  An error that a function
 * raised concerns its property alone, whose data is damaged: that thread is
 * left out.  After any other error none of the threads is used.  The texts end
 * with the one that exceeds the bytes of a page.
 */


#include "ngx_leaseloft_call.h"
#include "ngx_leaseloft_page.h"
#include "ngx_leaseloft_threads.h"


typedef struct {
    ngx_leaseloft_threads_t    *threads;
    ngx_leaseloft_command_t    *command;   /* NULL: answered */
    ngx_str_t                   text;
} ngx_leaseloft_threads_item_t;


struct ngx_leaseloft_threads_s {
    ngx_pool_t                     *pool;
    ngx_leaseloft_threads_pt        handler;
    void                           *data;
    ngx_leaseloft_threads_item_t   *items;
    ngx_uint_t                      n;
    ngx_uint_t                      left;      /* not yet answered */
    size_t                          size;      /* bytes of their texts */
    ngx_int_t                       rc;
};


static void ngx_leaseloft_threads_reply(void *data,
    ngx_leaseloft_outcome_e outcome, redisReply *reply);


ngx_leaseloft_threads_t *
ngx_leaseloft_threads_ask(ngx_leaseloft_cluster_t *cluster, ngx_pool_t *pool,
    ngx_str_t *user, ngx_str_t *properties, ngx_uint_t n,
    ngx_leaseloft_threads_pt handler, void *data)
{
    ngx_str_t                      argv[2];
    ngx_leaseloft_threads_t       *threads;
    ngx_leaseloft_threads_item_t  *item;

    threads = ngx_pcalloc(pool, sizeof(ngx_leaseloft_threads_t));
    if (threads == NULL) {
        return NULL;
    }

    threads->items = ngx_pcalloc(pool,
                                 n * sizeof(ngx_leaseloft_threads_item_t));
    if (threads->items == NULL) {
        return NULL;
    }

    threads->pool = pool;
    threads->handler = handler;
    threads->data = data;
    argv[1] = *user;

    while (threads->n < n) {
        argv[0] = properties[threads->n];

        item = &threads->items[threads->n];
        item->threads = threads;
        item->command = ngx_leaseloft_call_property(cluster,
                                                LL_FUNCTION "thread",
                                                &argv[0], 2, argv,
                                                ngx_leaseloft_threads_reply,
                                                item);
        if (item->command == NULL) {
            ngx_leaseloft_threads_cancel(threads);
            return NULL;
        }

        threads->n++;
        threads->left++;
    }

    return threads;
}


static void
ngx_leaseloft_threads_take(ngx_leaseloft_threads_item_t *item,
    redisReply *reply)
{
    u_char      *p;
    ngx_pool_t  *pool;

    pool = item->threads->pool;

    switch (reply->type) {

    case REDIS_REPLY_NIL:
        return;

    case REDIS_REPLY_STRING:

        /* a line feed would end the line of an event */

        p = (u_char *) reply->str;

        if (item->threads->size > NGX_LEASELOFT_PAGE_BYTES) {
            return;
        }

        if (reply->len && ngx_strlchr(p, p + reply->len, LF) == NULL) {
            item->text.data = ngx_pnalloc(pool, reply->len);

            if (item->text.data) {
                item->text.len = reply->len;
                item->threads->size += reply->len + 1;
                ngx_memcpy(item->text.data, p, reply->len);
                return;
            }
        }

        break;

    case REDIS_REPLY_ERROR:
        ngx_log_error(NGX_LOG_ERR, pool->log, 0,
                      "redis failed a thread of an inbox: \"%s\"",
                      reply->str);

        if (ngx_strstr(reply->str, "@user_function") != NULL) {
            return;
        }
    }

    item->threads->rc = NGX_ERROR;
}


static void
ngx_leaseloft_threads_reply(void *data, ngx_leaseloft_outcome_e outcome,
    redisReply *reply)
{
    ngx_leaseloft_threads_item_t *item = data;

    ngx_leaseloft_threads_t  *threads;

    threads = item->threads;
    item->command = NULL;

    if (outcome == NGX_LEASELOFT_REPLIED) {
        ngx_leaseloft_threads_take(item, reply);

    } else {
        threads->rc = NGX_ERROR;
    }

    if (--threads->left == 0) {
        threads->handler(threads->data, threads->rc);
    }
}


ngx_str_t *
ngx_leaseloft_threads_get(ngx_leaseloft_threads_t *threads, ngx_uint_t i)
{
    return &threads->items[i].text;
}


void
ngx_leaseloft_threads_cancel(ngx_leaseloft_threads_t *threads)
{
    ngx_uint_t  i;

    for (i = 0; i < threads->n; i++) {
        if (threads->items[i].command) {
            ngx_leaseloft_command_cancel(threads->items[i].command);
        }
    }
}
