
/*
 * The clients of a process.  There is one, as all keys are on one server.
 */


#include "ngx_leaseloft_cluster.h"


struct ngx_leaseloft_cluster_s {
    ngx_leaseloft_client_t           *client;
    ngx_leaseloft_client_handlers_t   handlers;
};


ngx_leaseloft_cluster_t *
ngx_leaseloft_cluster_create(ngx_leaseloft_process_t *process,
    ngx_pool_t *pool)
{
    ngx_leaseloft_cluster_t  *cluster;

    cluster = ngx_pcalloc(pool, sizeof(ngx_leaseloft_cluster_t));
    if (cluster == NULL) {
        return NULL;
    }

    cluster->client = ngx_leaseloft_client_create(process, &cluster->handlers,
                                                  pool);

    return cluster->client ? cluster : NULL;
}


void
ngx_leaseloft_cluster_free(ngx_leaseloft_cluster_t *cluster)
{
    ngx_leaseloft_client_free(cluster->client);
}


void
ngx_leaseloft_cluster_on_events(ngx_leaseloft_cluster_t *cluster,
    const ngx_leaseloft_client_events_t *events, void *data)
{
    cluster->handlers.events = events;
    cluster->handlers.events_data = data;
}


void
ngx_leaseloft_cluster_on_reply(ngx_leaseloft_cluster_t *cluster,
    ngx_leaseloft_client_reply_pt handler, void *data)
{
    cluster->handlers.reply = handler;
    cluster->handlers.reply_data = data;
}


void
ngx_leaseloft_cluster_on_service(ngx_leaseloft_cluster_t *cluster,
    ngx_leaseloft_client_service_pt handler, void *data)
{
    cluster->handlers.service = handler;
    cluster->handlers.service_data = data;
}


ngx_leaseloft_client_t *
ngx_leaseloft_cluster_first(ngx_leaseloft_cluster_t *cluster)
{
    return cluster->client;
}


ngx_leaseloft_client_t *
ngx_leaseloft_cluster_client(ngx_leaseloft_cluster_t *cluster, ngx_str_t *key)
{
    return cluster->client;
}


ngx_uint_t
ngx_leaseloft_cluster_ready(ngx_leaseloft_cluster_t *cluster, ngx_str_t *key)
{
    return ngx_leaseloft_client_ready(
                                   ngx_leaseloft_cluster_client(cluster, key));
}


ngx_leaseloft_command_t *
ngx_leaseloft_cluster_command(ngx_leaseloft_cluster_t *cluster, ngx_str_t *key,
    ngx_uint_t argc, ngx_str_t *argv, ngx_leaseloft_reply_pt handler,
    void *data)
{
    return ngx_leaseloft_client_command(
                                    ngx_leaseloft_cluster_client(cluster, key),
                                    argc, argv, handler, data);
}
