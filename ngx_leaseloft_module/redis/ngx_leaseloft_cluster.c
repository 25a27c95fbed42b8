
/*
 * The clients of a process.  A single server has all slots: nothing is computed
 * for it.
 */


#include "ngx_leaseloft_cluster.h"
#include "ngx_leaseloft_redirect.h"


struct ngx_leaseloft_cluster_s {
    ngx_leaseloft_process_t          *process;
    ngx_leaseloft_client_handlers_t   handlers;
    ngx_leaseloft_client_t           *client;      /* of a single server */
    ngx_leaseloft_nodes_t            *nodes;       /* NULL: no cluster */
    ngx_leaseloft_redirect_t          redirect;
};


static ngx_uint_t ngx_leaseloft_cluster_count(ngx_leaseloft_cluster_t *cluster,
    ngx_uint_t up);


ngx_leaseloft_cluster_t *
ngx_leaseloft_cluster_create(ngx_leaseloft_process_t *process,
    ngx_pool_t *pool)
{
    ngx_leaseloft_cluster_t      *cluster;
    ngx_leaseloft_client_conf_t   conf;

    cluster = ngx_pcalloc(pool, sizeof(ngx_leaseloft_cluster_t));
    if (cluster == NULL) {
        return NULL;
    }

    cluster->process = process;

    if (process->conf->redis.cluster) {
        cluster->nodes = ngx_leaseloft_nodes_create(process,
                                                    &cluster->handlers, pool);
        if (cluster->nodes == NULL) {
            return NULL;
        }

        ngx_leaseloft_redirect_init(&cluster->redirect, cluster->nodes,
                                    process->log);
        return cluster;
    }

    ngx_memzero(&conf, sizeof(ngx_leaseloft_client_conf_t));
    conf.handlers = &cluster->handlers;
    conf.name = process->name;

    cluster->client = ngx_leaseloft_client_create(process, &conf, pool);

    return cluster->client ? cluster : NULL;
}


void
ngx_leaseloft_cluster_free(ngx_leaseloft_cluster_t *cluster)
{
    if (cluster->nodes == NULL) {
        ngx_leaseloft_client_free(cluster->client);
        return;
    }

    ngx_leaseloft_redirect_free(&cluster->redirect);
    ngx_leaseloft_nodes_free(cluster->nodes);
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


ngx_uint_t
ngx_leaseloft_cluster_slot(ngx_leaseloft_cluster_t *cluster, ngx_str_t *key)
{
    return cluster->nodes ? ll_slots_of((char *) key->data, key->len) : 0;
}


ngx_leaseloft_client_t *
ngx_leaseloft_cluster_client(ngx_leaseloft_cluster_t *cluster, ngx_uint_t slot)
{
    return cluster->nodes ? ngx_leaseloft_nodes_client(cluster->nodes, slot)
                          : cluster->client;
}


ngx_uint_t
ngx_leaseloft_cluster_starting(ngx_leaseloft_cluster_t *cluster)
{
    return cluster->nodes ? !ngx_leaseloft_nodes_known(cluster->nodes) : 0;
}


ngx_leaseloft_client_t *
ngx_leaseloft_cluster_next(ngx_leaseloft_cluster_t *cluster,
    ngx_leaseloft_client_t *client)
{
    if (cluster->nodes) {
        return ngx_leaseloft_nodes_next(cluster->nodes, client);
    }

    return client ? NULL : cluster->client;
}


ngx_leaseloft_server_t *
ngx_leaseloft_cluster_server(ngx_leaseloft_cluster_t *cluster,
    ngx_leaseloft_client_t *client)
{
    return cluster->nodes ? ngx_leaseloft_nodes_address(cluster->nodes, client)
                          : NULL;
}


ngx_uint_t
ngx_leaseloft_cluster_slots(ngx_leaseloft_cluster_t *cluster,
    ngx_leaseloft_client_t *client)
{
    return cluster->nodes ? ngx_leaseloft_nodes_slots(cluster->nodes, client)
                          : LL_SLOTS;
}


ngx_uint_t
ngx_leaseloft_cluster_reachable(ngx_leaseloft_cluster_t *cluster)
{
    return ngx_leaseloft_cluster_count(cluster, 1);
}


ngx_uint_t
ngx_leaseloft_cluster_covered(ngx_leaseloft_cluster_t *cluster)
{
    return ngx_leaseloft_cluster_count(cluster, 0);
}


/* the slots of all primaries, or of those that are up */
static ngx_uint_t
ngx_leaseloft_cluster_count(ngx_leaseloft_cluster_t *cluster, ngx_uint_t up)
{
    ngx_uint_t               n;
    ngx_leaseloft_client_t  *client;

    n = 0;

    for (client = ngx_leaseloft_cluster_next(cluster, NULL);
         client;
         client = ngx_leaseloft_cluster_next(cluster, client))
    {
        if (!up || ngx_leaseloft_client_up(client)) {
            n += ngx_leaseloft_cluster_slots(cluster, client);
        }
    }

    return n;
}


char *
ngx_leaseloft_cluster_why(ngx_leaseloft_cluster_t *cluster)
{
    return cluster->nodes ? ngx_leaseloft_nodes_why(cluster->nodes) : "";
}


ngx_int_t
ngx_leaseloft_cluster_queue(ngx_leaseloft_cluster_t *cluster,
    ngx_str_t *property)
{
    if (cluster->nodes) {
        return ll_slots_queue(ngx_leaseloft_nodes_map(cluster->nodes),
                              (char *) property->data, property->len);
    }

    return ll_keys_queue_of((char *) property->data, property->len,
                            cluster->process->conf->queues);
}


ngx_int_t
ngx_leaseloft_cluster_home(ngx_leaseloft_cluster_t *cluster,
    ngx_leaseloft_client_t *client)
{
    return cluster->nodes ? ngx_leaseloft_nodes_home(cluster->nodes, client)
                          : 0;
}


ngx_str_t *
ngx_leaseloft_cluster_name(ngx_leaseloft_cluster_t *cluster, ngx_str_t *key)
{
    ngx_uint_t               slot;
    ngx_leaseloft_client_t  *client;

    slot = ngx_leaseloft_cluster_slot(cluster, key);
    client = ngx_leaseloft_cluster_client(cluster, slot);

    return client ? ngx_leaseloft_client_name(client) : NULL;
}


ngx_leaseloft_command_t *
ngx_leaseloft_cluster_command(ngx_leaseloft_cluster_t *cluster, ngx_str_t *key,
    ngx_uint_t argc, ngx_str_t *argv, ngx_leaseloft_reply_pt handler,
    void *data)
{
    ngx_leaseloft_command_t  *command;

    if (cluster->nodes == NULL) {
        return ngx_leaseloft_client_command(cluster->client, argc, argv,
                                            handler, data);
    }

    command = ngx_leaseloft_command_create(argc, argv, handler, data,
                                           cluster->process->log);
    if (command == NULL) {
        return NULL;
    }

    command->slot = ngx_leaseloft_cluster_slot(cluster, key);

    return ngx_leaseloft_redirect_send(&cluster->redirect, command) == NGX_OK
           ? command : NULL;
}
