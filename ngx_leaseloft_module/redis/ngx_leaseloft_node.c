
/* A node has a pool of its own, as primaries come and go. */


#include "ngx_leaseloft_node.h"


#define NGX_LEASELOFT_NODE_LINGER  5000
#define NGX_LEASELOFT_NODE_MAX     1024    /* with those without slots */


void
ngx_leaseloft_node_init(ngx_leaseloft_node_list_t *list, ngx_log_t *log)
{
    ngx_queue_init(&list->nodes);
    list->n = 0;
    list->log = log;
}


static void
ngx_leaseloft_node_remove(ngx_leaseloft_node_list_t *list,
    ngx_leaseloft_node_t *node)
{
    ngx_queue_remove(&node->queue);
    list->n--;

    if (node->client) {
        ngx_leaseloft_client_free(node->client);
    }

    ngx_destroy_pool(node->pool);
}


void
ngx_leaseloft_node_free(ngx_leaseloft_node_list_t *list)
{
    ngx_leaseloft_node_t  *node;

    while ((node = ngx_leaseloft_node_next(list, NULL)) != NULL) {
        ngx_leaseloft_node_remove(list, node);
    }
}


ngx_leaseloft_node_t *
ngx_leaseloft_node_next(ngx_leaseloft_node_list_t *list,
    ngx_leaseloft_node_t *node)
{
    ngx_queue_t  *q;

    q = node ? ngx_queue_next(&node->queue) : ngx_queue_head(&list->nodes);

    return q == ngx_queue_sentinel(&list->nodes)
           ? NULL : ngx_queue_data(q, ngx_leaseloft_node_t, queue);
}


static ngx_leaseloft_node_t *
ngx_leaseloft_node_by_server(ngx_leaseloft_node_list_t *list,
    ngx_leaseloft_server_t *server)
{
    ngx_leaseloft_node_t  *node;

    node = ngx_leaseloft_node_next(list, NULL);

    while (node && !ngx_leaseloft_server_same(&node->server, server)) {
        node = ngx_leaseloft_node_next(list, node);
    }

    return node;
}


ngx_leaseloft_node_t *
ngx_leaseloft_node_by_client(ngx_leaseloft_node_list_t *list,
    ngx_leaseloft_client_t *client)
{
    ngx_leaseloft_node_t  *node;

    node = ngx_leaseloft_node_next(list, NULL);

    while (node && node->client != client) {
        node = ngx_leaseloft_node_next(list, node);
    }

    return node;
}


ngx_leaseloft_node_t *
ngx_leaseloft_node_add(ngx_leaseloft_node_list_t *list,
    ngx_leaseloft_server_t *server)
{
    ngx_pool_t            *pool;
    ngx_leaseloft_node_t  *node;

    node = ngx_leaseloft_node_by_server(list, server);

    if (node || list->n == NGX_LEASELOFT_NODE_MAX) {
        return node;
    }

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, list->log);
    if (pool == NULL) {
        return NULL;
    }

    node = ngx_pcalloc(pool, sizeof(ngx_leaseloft_node_t));
    if (node == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    node->pool = pool;
    node->server = *server;
    node->used = ngx_current_msec;

    ngx_queue_insert_tail(&list->nodes, &node->queue);
    list->n++;

    return node;
}


void
ngx_leaseloft_node_trim(ngx_leaseloft_node_list_t *list)
{
    ngx_leaseloft_node_t  *node, *next;

    for (node = ngx_leaseloft_node_next(list, NULL); node; node = next) {
        next = ngx_leaseloft_node_next(list, node);

        if (node->nslots
            || ngx_current_msec - node->used <= NGX_LEASELOFT_NODE_LINGER)
        {
            continue;
        }

        if (node->client) {
            ngx_leaseloft_client_abandon(node->client);
        }

        ngx_leaseloft_node_remove(list, node);
    }
}
