
/*
 * A query goes to the server that answered last, over the connection that is
 * kept to it, and from there on to each of the others once.
 */


#include "ngx_leaseloft_topology.h"


#define NGX_LEASELOFT_TOPOLOGY_TIMEOUT  1000
#define NGX_LEASELOFT_TOPOLOGY_PERIOD   1000
#define NGX_LEASELOFT_TOPOLOGY_PAUSE    50     /* between two queries */


static void ngx_leaseloft_topology_timer_handler(ngx_event_t *ev);
static void ngx_leaseloft_topology_try(ngx_leaseloft_topology_t *topology);
static void ngx_leaseloft_topology_reply(void *data, redisReply *reply);
static void ngx_leaseloft_topology_closed(void *data);


static ngx_leaseloft_peer_handlers_t  ngx_leaseloft_topology_peer = {
    ngx_leaseloft_topology_reply,
    ngx_leaseloft_topology_closed
};


ngx_int_t
ngx_leaseloft_topology_init(ngx_leaseloft_topology_t *topology,
    ngx_leaseloft_main_conf_t *mcf,
    const ngx_leaseloft_topology_handlers_t *handlers, void *data,
    ngx_pool_t *pool, ngx_log_t *log)
{
    topology->handlers = handlers;
    topology->data = data;

    topology->timer.handler = ngx_leaseloft_topology_timer_handler;
    topology->timer.data = topology;
    topology->timer.log = log;
    topology->timer.cancelable = 1;

    /* processes begin with different ones */

    topology->current = ngx_random() % mcf->redis.nservers;
    ngx_add_timer(&topology->timer, 1);

    return ngx_leaseloft_peer_init(&topology->peer, mcf, "cluster",
                                   &ngx_leaseloft_topology_peer, topology,
                                   pool, log);
}


void
ngx_leaseloft_topology_free(ngx_leaseloft_topology_t *topology)
{
    ngx_leaseloft_peer_close(&topology->peer);

    if (topology->timer.timer_set) {
        ngx_del_timer(&topology->timer);
    }
}


void
ngx_leaseloft_topology_ask(ngx_leaseloft_topology_t *topology)
{
    ngx_msec_t  since;

    if (topology->asking) {
        return;
    }

    since = ngx_current_msec - topology->asked;

    ngx_add_timer(&topology->timer, since < NGX_LEASELOFT_TOPOLOGY_PAUSE
                                    ? NGX_LEASELOFT_TOPOLOGY_PAUSE - since
                                    : 1);
}


char *
ngx_leaseloft_topology_why(ngx_leaseloft_topology_t *topology)
{
    return topology->peer.why;
}


static void
ngx_leaseloft_topology_timer_handler(ngx_event_t *ev)
{
    ngx_leaseloft_topology_t  *topology;

    topology = ev->data;

    topology->asking = 1;
    topology->asked = ngx_current_msec;
    topology->tried = 0;

    ngx_leaseloft_topology_try(topology);
}


/* AUTH on a new connection, and CLUSTER SLOTS */
static void
ngx_leaseloft_topology_send(ngx_leaseloft_topology_t *topology)
{
    ngx_str_t              argv[2];
    ngx_leaseloft_peer_t  *peer;

    peer = &topology->peer;

    if (!peer->open && peer->conf->redis.password.len) {
        (void) ngx_leaseloft_writer_auth(&peer->writer, &peer->conf->redis);
        topology->left++;
    }

    ngx_str_set(&argv[0], "CLUSTER");
    ngx_str_set(&argv[1], "SLOTS");

    (void) ngx_leaseloft_peer_command(peer, 2, argv);
    topology->left++;
}


static void
ngx_leaseloft_topology_finish(ngx_leaseloft_topology_t *topology)
{
    topology->asking = 0;
    ngx_add_timer(&topology->timer, NGX_LEASELOFT_TOPOLOGY_PERIOD);
}


/* a command that finds no memory is found by the time limit */
static void
ngx_leaseloft_topology_try(ngx_leaseloft_topology_t *topology)
{
    ngx_leaseloft_server_t  server;

    ngx_leaseloft_topology_send(topology);

    if (topology->peer.open) {
        ngx_leaseloft_peer_timeout(&topology->peer,
                                   NGX_LEASELOFT_TOPOLOGY_TIMEOUT);
        return;
    }

    if (topology->handlers->server(topology->data, topology->current, &server)
        != NGX_OK)
    {
        topology->current = 0;
        (void) topology->handlers->server(topology->data, 0, &server);
    }

    ngx_leaseloft_peer_connect(&topology->peer, &server,
                               NGX_LEASELOFT_TOPOLOGY_TIMEOUT);
}


static void
ngx_leaseloft_topology_reply(void *data, redisReply *reply)
{
    ngx_leaseloft_topology_t *topology = data;

    if (topology->left == 0) {
        ngx_leaseloft_peer_fail(&topology->peer, "unexpected reply");
        return;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_leaseloft_peer_refuse(&topology->peer, reply->str);
        return;
    }

    if (--topology->left) {
        return;
    }

    ngx_leaseloft_peer_timeout(&topology->peer, 0);

    if (topology->handlers->answer(topology->data, reply,
                                   &topology->peer.server)
        != NGX_OK)
    {
        ngx_leaseloft_peer_fail(&topology->peer,
                                "it has no list of slots");
        return;
    }

    ngx_leaseloft_topology_finish(topology);
}


static void
ngx_leaseloft_topology_closed(void *data)
{
    ngx_leaseloft_topology_t *topology = data;

    ngx_uint_t              i;
    ngx_leaseloft_server_t  server;

    topology->left = 0;

    /* an idle connection is opened again by the next query */

    if (!topology->asking) {
        return;
    }

    topology->current++;
    topology->tried++;

    for (i = 0;
         topology->handlers->server(topology->data, i, &server) == NGX_OK;
         i++)
    {
        if (i == topology->tried) {
            ngx_leaseloft_topology_try(topology);
            return;
        }
    }

    topology->handlers->failed(topology->data);
    ngx_leaseloft_topology_finish(topology);
}
