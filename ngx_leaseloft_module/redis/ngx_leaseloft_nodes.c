
/*
 * The map of slots is replaced by each answer to CLUSTER SLOTS, and corrected
 * by each MOVED, which is newer than what other servers say.  What depends on
 * it is told some milliseconds later, so once for many slots.
 */


#include "ngx_leaseloft_node.h"
#include "ngx_leaseloft_nodes.h"
#include "ngx_leaseloft_slots.h"


#define NGX_LEASELOFT_NODES_DELAY  10

/* numbers that are tried to find the name of a reply channel */
#define NGX_LEASELOFT_NODES_NAMES  262144


struct ngx_leaseloft_nodes_s {
    ngx_leaseloft_process_t          *process;
    ngx_leaseloft_client_handlers_t  *handlers;
    ngx_leaseloft_redirect_pt         redirect;
    void                             *redirect_data;

    ngx_leaseloft_node_list_t         list;
    ll_slots_t                       *map;
    ll_slots_t                       *next;    /* to parse an answer */
    ngx_leaseloft_node_t             *owners[LL_SLOTS_NODES];  /* of the map */
    ngx_leaseloft_topology_t          topology;
    ngx_event_t                       change;
    ngx_uint_t                        service; /* slot of that channel */

    unsigned                          changed:1;
    unsigned                          known:1;
};


static ngx_int_t ngx_leaseloft_nodes_server(void *data, ngx_uint_t i,
    ngx_leaseloft_server_t *server);
static ngx_int_t ngx_leaseloft_nodes_answer(void *data, redisReply *reply,
    ngx_leaseloft_server_t *server);
static void ngx_leaseloft_nodes_failed(void *data);
static void ngx_leaseloft_nodes_start(ngx_leaseloft_nodes_t *nodes);
static void ngx_leaseloft_nodes_change_handler(ngx_event_t *ev);
static void ngx_leaseloft_nodes_ready(void *data,
    ngx_leaseloft_client_t *client);
static ngx_int_t ngx_leaseloft_nodes_refused(void *data, char *error,
    ngx_leaseloft_server_t *from);


static const ngx_leaseloft_topology_handlers_t
    ngx_leaseloft_nodes_topology_handlers =
{
    ngx_leaseloft_nodes_server,
    ngx_leaseloft_nodes_answer,
    ngx_leaseloft_nodes_failed
};


ngx_leaseloft_nodes_t *
ngx_leaseloft_nodes_create(ngx_leaseloft_process_t *process,
    ngx_leaseloft_client_handlers_t *handlers, ngx_pool_t *pool)
{
    char                    service[LL_KEY_MAX];
    size_t                  len;
    ngx_leaseloft_nodes_t  *nodes;

    nodes = ngx_pcalloc(pool, sizeof(ngx_leaseloft_nodes_t));
    if (nodes == NULL) {
        return NULL;
    }

    nodes->map = ngx_pcalloc(pool, sizeof(ll_slots_t));
    nodes->next = ngx_pcalloc(pool, sizeof(ll_slots_t));

    if (nodes->map == NULL || nodes->next == NULL) {
        return NULL;
    }

    nodes->process = process;
    nodes->handlers = handlers;
    handlers->connected = ngx_leaseloft_nodes_ready;
    handlers->refused = ngx_leaseloft_nodes_refused;
    handlers->nodes = nodes;

    ngx_leaseloft_node_init(&nodes->list, process->log);

    len = ll_keys_service_channel(service);
    nodes->service = ll_slots_of(service, len);

    nodes->change.handler = ngx_leaseloft_nodes_change_handler;
    nodes->change.data = nodes;
    nodes->change.log = process->log;
    nodes->change.cancelable = 1;

    if (ngx_leaseloft_topology_init(&nodes->topology, process->conf,
                                    &ngx_leaseloft_nodes_topology_handlers,
                                    nodes, pool, process->log)
        != NGX_OK)
    {
        return NULL;
    }

    return nodes;
}


void
ngx_leaseloft_nodes_on_redirect(ngx_leaseloft_nodes_t *nodes,
    ngx_leaseloft_redirect_pt redirect, void *data)
{
    nodes->redirect = redirect;
    nodes->redirect_data = data;
}


void
ngx_leaseloft_nodes_free(ngx_leaseloft_nodes_t *nodes)
{
    ngx_leaseloft_topology_free(&nodes->topology);

    ngx_leaseloft_node_free(&nodes->list);

    if (nodes->change.timer_set) {
        ngx_del_timer(&nodes->change);
    }
}


/* those of nodes come first, then the configured ones */
static ngx_int_t
ngx_leaseloft_nodes_server(void *data, ngx_uint_t i,
    ngx_leaseloft_server_t *server)
{
    ngx_leaseloft_nodes_t *nodes = data;

    ngx_leaseloft_node_t        *node;
    ngx_leaseloft_redis_conf_t  *rcf;

    for (node = ngx_leaseloft_node_next(&nodes->list, NULL);
         node;
         node = ngx_leaseloft_node_next(&nodes->list, node))
    {
        if (i-- == 0) {
            *server = node->server;
            return NGX_OK;
        }
    }

    rcf = &nodes->process->conf->redis;

    if (i >= rcf->nservers) {
        return NGX_DECLINED;
    }

    *server = rcf->servers[i];

    return NGX_OK;
}


static ngx_leaseloft_node_t *
ngx_leaseloft_nodes_owner(ngx_leaseloft_nodes_t *nodes, ngx_uint_t slot)
{
    int  i;

    i = ll_slots_node(nodes->map, slot);

    return i == -1 ? NULL : nodes->owners[i];
}


/* the map has changed, or may have */
static void
ngx_leaseloft_nodes_update(ngx_leaseloft_nodes_t *nodes, ngx_uint_t changed)
{
    ngx_uint_t               i;
    ll_slots_node_t         *n;
    ngx_leaseloft_node_t    *node;
    ngx_leaseloft_server_t   server;

    for (node = ngx_leaseloft_node_next(&nodes->list, NULL);
         node;
         node = ngx_leaseloft_node_next(&nodes->list, node))
    {
        if (node->nslots) {
            node->used = ngx_current_msec;
        }

        node->nslots = 0;
    }

    for (i = 0; i < nodes->map->nnodes; i++) {
        n = &nodes->map->nodes[i];
        node = NULL;

        if (n->slots
            && ngx_leaseloft_server_set(&server, (u_char *) n->host,
                                        ngx_strlen(n->host), n->port)
               == NGX_OK)
        {
            node = ngx_leaseloft_node_add(&nodes->list, &server);
        }

        nodes->owners[i] = node;

        if (node) {
            node->nslots = n->slots;
        }
    }

    ngx_leaseloft_nodes_start(nodes);

    nodes->changed |= changed;

    if (!nodes->change.timer_set) {
        ngx_add_timer(&nodes->change, NGX_LEASELOFT_NODES_DELAY);
    }
}


static ngx_int_t
ngx_leaseloft_nodes_answer(void *data, redisReply *reply,
    ngx_leaseloft_server_t *from)
{
    ngx_leaseloft_nodes_t *nodes = data;

    ll_slots_t  *map;

    if (ngx_leaseloft_slots_read(nodes->next, reply, from) != NGX_OK) {
        return NGX_ERROR;
    }

    map = nodes->map;
    nodes->map = nodes->next;
    nodes->next = map;

    ngx_leaseloft_nodes_update(nodes, ngx_memcmp(nodes->map, nodes->next,
                                                 sizeof(ll_slots_t)) != 0);

    return NGX_OK;
}


static void
ngx_leaseloft_nodes_failed(void *data)
{
    ngx_leaseloft_nodes_t *nodes = data;

    /* requests no longer wait for the first answer */

    nodes->known = 1;
}


static ngx_uint_t
ngx_leaseloft_nodes_has(ngx_leaseloft_nodes_t *nodes,
    ll_slots_redirect_t *redirect)
{
    int               i;
    ll_slots_node_t  *n;

    i = ll_slots_node(nodes->map, redirect->slot);
    if (i == -1) {
        return 0;
    }

    n = &nodes->map->nodes[i];

    return n->port == redirect->port
           && ngx_strlen(n->host) == redirect->host_len
           && ngx_memcmp(n->host, redirect->host, redirect->host_len) == 0;
}


void
ngx_leaseloft_nodes_moved(ngx_leaseloft_nodes_t *nodes,
    ll_slots_redirect_t *redirect)
{
    /* Redis may not know the name: its answer to CLUSTER SLOTS says more */

    if (redirect->host[0] != '?'
        && !ngx_leaseloft_nodes_has(nodes, redirect)
        && ll_slots_add(nodes->map, redirect->slot, redirect->slot,
                        redirect->host, redirect->host_len, redirect->port)
           == 0)
    {
        ngx_leaseloft_nodes_update(nodes, 1);
    }

    ngx_leaseloft_topology_ask(&nodes->topology);
}


/* 1 if a channel with this name is in a slot of the node */
static ngx_uint_t
ngx_leaseloft_nodes_owns(ngx_leaseloft_nodes_t *nodes,
    ngx_leaseloft_node_t *node, ngx_str_t *name)
{
    char    channel[LL_KEY_MAX];
    size_t  len;

    len = ll_keys_reply_channel(channel, (char *) name->data, name->len);

    return ngx_leaseloft_nodes_owner(nodes, ll_slots_of(channel, len)) == node;
}


/* a name of this process whose reply channel is in a slot of the node */
static ngx_int_t
ngx_leaseloft_nodes_name(ngx_leaseloft_nodes_t *nodes,
    ngx_leaseloft_node_t *node, ngx_str_t *name)
{
    ngx_uint_t  n;

    for (n = 0; n < NGX_LEASELOFT_NODES_NAMES; n++) {
        name->len = ngx_sprintf(name->data, "%V-%ui", &nodes->process->name, n)
                    - name->data;

        if (ngx_leaseloft_nodes_owns(nodes, node, name)) {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


/* the lowest queue that a node has, or -1 */
static ngx_int_t
ngx_leaseloft_nodes_queue(ngx_leaseloft_nodes_t *nodes,
    ngx_leaseloft_node_t *node)
{
    ngx_int_t  k;

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        if (ngx_leaseloft_nodes_owner(nodes, ll_slots_queue_slot(k)) == node) {
            return k;
        }
    }

    return -1;
}


static void
ngx_leaseloft_nodes_create_client(ngx_leaseloft_nodes_t *nodes,
    ngx_leaseloft_node_t *node, ngx_str_t *name)
{
    ngx_leaseloft_client_conf_t  conf;

    ngx_memzero(&conf, sizeof(ngx_leaseloft_client_conf_t));

    conf.handlers = nodes->handlers;
    conf.name = *name;
    conf.server = &node->server;
    conf.queue = ngx_max(ngx_leaseloft_nodes_queue(nodes, node), 0);
    conf.redirect = nodes->redirect;
    conf.redirect_data = nodes->redirect_data;

    node->client = ngx_leaseloft_client_create(nodes->process, &conf,
                                               node->pool);
}


static void
ngx_leaseloft_nodes_connect(ngx_leaseloft_nodes_t *nodes,
    ngx_leaseloft_node_t *node)
{
    u_char     data[LL_KEY_ID_MAX + NGX_INT_T_LEN];
    ngx_str_t  name;

    if (node->client
        && ngx_leaseloft_nodes_owns(nodes, node,
                                    ngx_leaseloft_client_name(node->client)))
    {
        return;
    }

    name.data = data;

    if (ngx_leaseloft_nodes_name(nodes, node, &name) != NGX_OK) {
        return;
    }

    if (node->client) {
        ngx_leaseloft_client_rename(node->client, &name);

    } else {
        ngx_leaseloft_nodes_create_client(nodes, node, &name);
    }
}


/*
 * Creates the clients of new primaries at once, as commands for their slots are
 * sent to nobody else any more.
 */
static void
ngx_leaseloft_nodes_start(ngx_leaseloft_nodes_t *nodes)
{
    ngx_leaseloft_node_t  *node;

    for (node = ngx_leaseloft_node_next(&nodes->list, NULL);
         node;
         node = ngx_leaseloft_node_next(&nodes->list, node))
    {
        if (node->nslots && node->client == NULL) {
            ngx_leaseloft_nodes_connect(nodes, node);
        }
    }
}


static void
ngx_leaseloft_nodes_change_handler(ngx_event_t *ev)
{
    ngx_leaseloft_node_t   *node;
    ngx_leaseloft_nodes_t  *nodes;

    nodes = ev->data;

    if (nodes->changed) {
        nodes->changed = 0;

        for (node = ngx_leaseloft_node_next(&nodes->list, NULL);
             node;
             node = ngx_leaseloft_node_next(&nodes->list, node))
        {
            if (node->nslots) {
                ngx_leaseloft_nodes_connect(nodes, node);
            }
        }

        node = ngx_leaseloft_nodes_owner(nodes, nodes->service);

        if (node && node->client) {
            ngx_leaseloft_client_serve(node->client);
        }

        nodes->known = 1;
        nodes->handlers->events->moved(nodes->handlers->events_data);
    }

    ngx_leaseloft_node_trim(&nodes->list);
}


/* a client's reply channel is subscribed to */
static void
ngx_leaseloft_nodes_ready(void *data, ngx_leaseloft_client_t *client)
{
    ngx_leaseloft_nodes_t *nodes = data;

    ngx_leaseloft_node_t  *node;

    node = ngx_leaseloft_nodes_owner(nodes, nodes->service);

    if (node && node->client == client) {
        ngx_leaseloft_client_serve(client);
    }
}


/* a client's subscription is refused: NGX_OK if the slot is elsewhere */
static ngx_int_t
ngx_leaseloft_nodes_refused(void *data, char *error,
    ngx_leaseloft_server_t *from)
{
    ngx_leaseloft_nodes_t *nodes = data;

    ll_slots_redirect_t  redirect;

    if (ngx_leaseloft_slots_redirect(&redirect, error, ngx_strlen(error), from)
        != NGX_OK
        || redirect.ask)
    {
        return NGX_DECLINED;
    }

    ngx_leaseloft_nodes_moved(nodes, &redirect);

    return NGX_OK;
}


void
ngx_leaseloft_nodes_ask(ngx_leaseloft_nodes_t *nodes)
{
    ngx_leaseloft_topology_ask(&nodes->topology);
}


ngx_leaseloft_client_t *
ngx_leaseloft_nodes_client(ngx_leaseloft_nodes_t *nodes, ngx_uint_t slot)
{
    ngx_leaseloft_node_t  *node;

    node = ngx_leaseloft_nodes_owner(nodes, slot);

    return node ? node->client : NULL;
}


/* without slots, a client cannot subscribe to a channel, whatever its name */
ngx_leaseloft_client_t *
ngx_leaseloft_nodes_visit(ngx_leaseloft_nodes_t *nodes,
    ngx_leaseloft_server_t *server)
{
    ngx_leaseloft_node_t  *node;

    node = ngx_leaseloft_node_add(&nodes->list, server);
    if (node == NULL) {
        return NULL;
    }

    node->used = ngx_current_msec;

    if (node->client == NULL) {
        ngx_leaseloft_nodes_create_client(nodes, node, &nodes->process->name);
    }

    return node->client;
}


ngx_leaseloft_client_t *
ngx_leaseloft_nodes_next(ngx_leaseloft_nodes_t *nodes,
    ngx_leaseloft_client_t *client)
{
    ngx_leaseloft_node_t  *node;

    node = client ? ngx_leaseloft_node_by_client(&nodes->list, client) : NULL;

    do {
        node = ngx_leaseloft_node_next(&nodes->list, node);
    } while (node && node->client == NULL);

    return node ? node->client : NULL;
}


ngx_uint_t
ngx_leaseloft_nodes_slots(ngx_leaseloft_nodes_t *nodes,
    ngx_leaseloft_client_t *client)
{
    return ngx_leaseloft_node_by_client(&nodes->list, client)->nslots;
}


ngx_int_t
ngx_leaseloft_nodes_home(ngx_leaseloft_nodes_t *nodes,
    ngx_leaseloft_client_t *client)
{
    return ngx_leaseloft_nodes_queue(nodes,
                           ngx_leaseloft_node_by_client(&nodes->list, client));
}


ngx_leaseloft_server_t *
ngx_leaseloft_nodes_address(ngx_leaseloft_nodes_t *nodes,
    ngx_leaseloft_client_t *client)
{
    return &ngx_leaseloft_node_by_client(&nodes->list, client)->server;
}


const ll_slots_t *
ngx_leaseloft_nodes_map(ngx_leaseloft_nodes_t *nodes)
{
    return nodes->map;
}


ngx_uint_t
ngx_leaseloft_nodes_known(ngx_leaseloft_nodes_t *nodes)
{
    return nodes->known;
}


char *
ngx_leaseloft_nodes_why(ngx_leaseloft_nodes_t *nodes)
{
    return ngx_leaseloft_topology_why(&nodes->topology);
}
