
/*
 * Commands are queued in the order in which they were sent, since Redis replies
 * in that order.  A probe (ngx_leaseloft_probe.h) closes connections that fail
 * without notice.
 */


#include "ngx_leaseloft_backoff.h"
#include "ngx_leaseloft_client.h"
#include "ngx_leaseloft_conn.h"
#include "ngx_leaseloft_write_probe.h"
#include "ngx_leaseloft_zone.h"


#define NGX_LEASELOFT_CLIENT_TICK  250
#define NGX_LEASELOFT_CLIENT_LINKS   2


struct ngx_leaseloft_client_s {
    ngx_leaseloft_process_t           *process;
    ngx_leaseloft_sentinel_t          *sentinel;   /* NULL: none to ask */
    ngx_leaseloft_conn_t              *conn;       /* for commands */
    ngx_leaseloft_backoff_t            backoff;
    ngx_leaseloft_commands_t           commands;   /* sent, not answered */
    ngx_leaseloft_subscription_t       subscription;
    ngx_leaseloft_probe_t              probe;
    ngx_event_t                        tick;

    const ngx_leaseloft_client_handlers_t  *handlers;
    ngx_leaseloft_server_t                 *server;    /* NULL: no cluster */
    ngx_uint_t                              links;     /* that work */

    unsigned                    starting:1;    /* first attempt to connect */
    unsigned                    ready:1;   /* for commands, once connected */
    unsigned                    up:1;
};


static void ngx_leaseloft_client_command_ready(void *data);
static void ngx_leaseloft_client_command_reply(void *data, redisReply *reply);
static void ngx_leaseloft_client_command_closed(void *data);
static void ngx_leaseloft_client_subscription_ready(void *data);
static void ngx_leaseloft_client_subscription_closed(void *data);
static void ngx_leaseloft_client_subscribed(void *data, ngx_str_t *channel);
static void ngx_leaseloft_client_unsubscribed(void *data, ngx_str_t *channel);
static ngx_int_t ngx_leaseloft_client_refused(void *data, char *error);
static void ngx_leaseloft_client_service(void *data);
static void ngx_leaseloft_client_reply(void *data, ngx_str_t *payload);
static void ngx_leaseloft_client_message(void *data, ngx_str_t *channel,
    ngx_str_t *payload);
static void ngx_leaseloft_client_connect(void *data);
static void ngx_leaseloft_client_moved(void *data,
    ngx_leaseloft_server_t *server);
static void ngx_leaseloft_client_tick_handler(ngx_event_t *ev);
static void ngx_leaseloft_client_update(ngx_leaseloft_client_t *client);
static void ngx_leaseloft_client_count(ngx_leaseloft_client_t *client,
    ngx_uint_t links, ngx_int_t wanted);


static ngx_leaseloft_conn_handlers_t  ngx_leaseloft_client_command_handlers = {
    ngx_leaseloft_client_command_ready,
    ngx_leaseloft_client_command_reply,
    ngx_leaseloft_client_command_closed
};


static const ngx_leaseloft_subscription_handlers_t
    ngx_leaseloft_client_subscription_handlers =
{
    ngx_leaseloft_client_subscription_ready,
    ngx_leaseloft_client_subscription_closed,
    ngx_leaseloft_client_subscribed,
    ngx_leaseloft_client_unsubscribed,
    ngx_leaseloft_client_refused,
    ngx_leaseloft_client_service,
    ngx_leaseloft_client_reply,
    ngx_leaseloft_client_message
};


static void
ngx_leaseloft_client_connect(void *data)
{
    ngx_leaseloft_client_t *client = data;

    ngx_leaseloft_conn_connect(client->conn);
}


/* both connections lead to the same server, the new one */
static void
ngx_leaseloft_client_moved(void *data, ngx_leaseloft_server_t *server)
{
    ngx_leaseloft_client_t *client = data;

    ngx_leaseloft_conn_moved(client->conn, server);
    ngx_leaseloft_conn_moved(client->subscription.conn, server);
}


static ngx_int_t
ngx_leaseloft_client_sentinel(ngx_leaseloft_client_t *client, ngx_pool_t *pool)
{
    ngx_leaseloft_main_conf_t  *mcf;

    mcf = client->process->conf;

    if (mcf->redis.primary.len == 0) {
        return NGX_OK;
    }

    client->sentinel = ngx_leaseloft_sentinel_create(mcf,
                                                  ngx_leaseloft_client_moved,
                                                  client, pool,
                                                  client->process->log);

    return client->sentinel ? NGX_OK : NGX_ERROR;
}


/* where a connection leads to */
static void
ngx_leaseloft_client_lead(ngx_leaseloft_client_t *client,
    ngx_leaseloft_conn_t *conn, ngx_uint_t queue)
{
    if (client->sentinel) {
        ngx_leaseloft_conn_follow(conn, client->sentinel);
    }

    if (client->server) {
        ngx_leaseloft_conn_lead(conn, client->server, queue);
    }
}


static ngx_int_t
ngx_leaseloft_client_connections(ngx_leaseloft_client_t *client,
    const ngx_leaseloft_client_conf_t *conf, ngx_pool_t *pool)
{
    ngx_str_t                      name;
    ngx_leaseloft_conn_t          *conn;
    ngx_leaseloft_process_t       *process;
    ngx_leaseloft_subscription_t  *sub;

    process = client->process;
    sub = &client->subscription;

    sub->process = process;
    sub->probe = &client->probe;
    sub->handlers = &ngx_leaseloft_client_subscription_handlers;
    sub->data = client;
    sub->sharded = client->server != NULL;

    client->conn = ngx_leaseloft_conn_create(process->conf, "command",
                                         &ngx_leaseloft_client_command_handlers,
                                         client, pool, process->log);
    conn = ngx_leaseloft_subscription_conn(sub, pool);

    if (client->conn == NULL || conn == NULL) {
        return NGX_ERROR;
    }

    ngx_leaseloft_client_lead(client, client->conn, conf->queue);
    ngx_leaseloft_client_lead(client, conn, conf->queue);

    ngx_leaseloft_backoff_init(&client->backoff, ngx_leaseloft_client_connect,
                               client, process->log);
    ngx_leaseloft_backoff_now(&client->backoff);

    name = conf->name;
    ngx_leaseloft_subscription_init(sub, conn, &name);

    return NGX_OK;
}


ngx_leaseloft_client_t *
ngx_leaseloft_client_create(ngx_leaseloft_process_t *process,
    const ngx_leaseloft_client_conf_t *conf, ngx_pool_t *pool)
{
    ngx_leaseloft_client_t  *client;

    client = ngx_pcalloc(pool, sizeof(ngx_leaseloft_client_t));
    if (client == NULL) {
        return NULL;
    }

    client->process = process;
    client->handlers = conf->handlers;
    client->server = conf->server;

    client->tick.handler = ngx_leaseloft_client_tick_handler;
    client->tick.data = client;
    client->tick.log = process->log;
    client->tick.cancelable = 1;

    if (ngx_leaseloft_client_sentinel(client, pool) != NGX_OK
        || ngx_leaseloft_client_connections(client, conf, pool) != NGX_OK)
    {
        return NULL;
    }

    ngx_leaseloft_command_init(&client->commands, client->conn, process);
    client->commands.redirect = conf->redirect;
    client->commands.redirect_data = conf->redirect_data;
    client->commands.server = conf->server;

    ngx_leaseloft_probe_init(&client->probe, &client->commands,
                             client->subscription.conn,
                             &client->subscription.channel);
    client->probe.sharded = client->server != NULL;

    client->starting = 1;
    ngx_leaseloft_client_count(client, 0, NGX_LEASELOFT_CLIENT_LINKS);
    ngx_add_timer(&client->tick, NGX_LEASELOFT_CLIENT_TICK);

    return client;
}


void
ngx_leaseloft_client_abandon(ngx_leaseloft_client_t *client)
{
    ngx_leaseloft_command_lost(&client->commands);
}


void
ngx_leaseloft_client_free(ngx_leaseloft_client_t *client)
{
    ngx_leaseloft_client_count(client, 0, -NGX_LEASELOFT_CLIENT_LINKS);

    ngx_leaseloft_conn_close(client->conn);
    ngx_leaseloft_subscription_free(&client->subscription);

    if (client->sentinel) {
        ngx_leaseloft_sentinel_free(client->sentinel);
    }

    ngx_leaseloft_backoff_free(&client->backoff);

    if (client->tick.timer_set) {
        ngx_del_timer(&client->tick);
    }

    ngx_leaseloft_command_free(&client->commands);
}


ngx_leaseloft_command_t *
ngx_leaseloft_client_command(ngx_leaseloft_client_t *client, ngx_uint_t argc,
    ngx_str_t *argv, ngx_leaseloft_reply_pt handler, void *data)
{
    /*
     * A process that has just started, for example after a reload, receives
     * requests before Redis replies to the greeting: queue their commands
     * after it.
     */

    if (!client->starting && !ngx_leaseloft_client_ready(client)) {
        return NULL;
    }

    return ngx_leaseloft_command_send(&client->commands, argc, argv, handler,
                                      data);
}


ngx_int_t
ngx_leaseloft_client_put(ngx_leaseloft_client_t *client,
    ngx_leaseloft_command_t *command, ngx_uint_t asking)
{
    if (!client->starting && !ngx_leaseloft_client_ready(client)) {
        return NGX_DECLINED;
    }

    return ngx_leaseloft_command_put(&client->commands, command, asking);
}


ngx_str_t *
ngx_leaseloft_client_name(ngx_leaseloft_client_t *client)
{
    return &client->subscription.name;
}


void
ngx_leaseloft_client_rename(ngx_leaseloft_client_t *client, ngx_str_t *name)
{
    ngx_leaseloft_subscription_rename(&client->subscription, name);
}


void
ngx_leaseloft_client_serve(ngx_leaseloft_client_t *client)
{
    ngx_leaseloft_subscription_serve(&client->subscription);
}


ngx_int_t
ngx_leaseloft_client_subscribe(ngx_leaseloft_client_t *client, ngx_uint_t n,
    ngx_str_t *channels)
{
    return ngx_leaseloft_subscription_add(&client->subscription, n, channels);
}


ngx_int_t
ngx_leaseloft_client_unsubscribe(ngx_leaseloft_client_t *client,
    ngx_str_t *channel)
{
    return ngx_leaseloft_subscription_remove(&client->subscription, channel);
}


void
ngx_leaseloft_client_reset(ngx_leaseloft_client_t *client)
{
    ngx_leaseloft_conn_fail(client->subscription.conn, "malformed frame");
}


ngx_uint_t
ngx_leaseloft_client_up(ngx_leaseloft_client_t *client)
{
    return client->up;
}


ngx_uint_t
ngx_leaseloft_client_starting(ngx_leaseloft_client_t *client)
{
    return client->starting;
}


ngx_uint_t
ngx_leaseloft_client_ready(ngx_leaseloft_client_t *client)
{
    return ngx_leaseloft_conn_ready(client->conn);
}


char *
ngx_leaseloft_client_why(ngx_leaseloft_client_t *client)
{
    return ngx_leaseloft_conn_why(ngx_leaseloft_client_ready(client)
                                   ? client->subscription.conn
                                   : client->conn);
}


char *
ngx_leaseloft_client_refusal(ngx_leaseloft_client_t *client)
{
    return client->probe.refusal;
}


static void
ngx_leaseloft_client_command_ready(void *data)
{
    ngx_leaseloft_client_t  *client = data;

    client->ready = 1;

    ngx_leaseloft_probe_touch(&client->probe);
    ngx_leaseloft_backoff_reset(&client->backoff);

    ngx_leaseloft_probe_send(&client->probe);
    ngx_leaseloft_client_update(client);
    client->handlers->events->ready(client->handlers->events_data, client);
}


static void
ngx_leaseloft_client_command_reply(void *data, redisReply *reply)
{
    ngx_leaseloft_client_t *client = data;

    ngx_uint_t  demoted;

    demoted = ngx_leaseloft_write_probe_demoted(reply);

    if (ngx_leaseloft_command_reply(&client->commands, reply) != NGX_OK) {
        ngx_leaseloft_conn_fail(client->conn,
                                "unexpected reply");
        return;
    }

    /* reconnect both: the address may lead to the new primary */

    if (demoted) {
        ngx_leaseloft_conn_fail(client->conn, "a read-only replica");

        if (client->probe.subscribed) {
            ngx_leaseloft_conn_fail(client->subscription.conn,
                                    "a read-only replica");
        }
    }
}


static void
ngx_leaseloft_client_command_closed(void *data)
{
    ngx_leaseloft_client_t *client = data;

    /* attempts to connect are not counted */

    if (client->ready) {
        ngx_leaseloft_counters_add(client->process->zone,
                                   NGX_LEASELOFT_CONNECTIONS_LOST, 1);
    }

    client->ready = 0;
    client->starting = 0;

    ngx_leaseloft_backoff_wait(&client->backoff);
    ngx_leaseloft_client_update(client);

    ngx_leaseloft_command_lost(&client->commands);
}


static void
ngx_leaseloft_client_subscription_ready(void *data)
{
    ngx_leaseloft_client_t *client = data;

    if (client->server) {
        client->handlers->connected(client->handlers->nodes, client);
    }

    client->handlers->events->subscriber_ready(client->handlers->events_data,
                                               client);
    ngx_leaseloft_client_update(client);
}


static void
ngx_leaseloft_client_subscription_closed(void *data)
{
    ngx_leaseloft_client_t *client = data;

    client->starting = 0;

    client->handlers->events->subscriber_lost(client->handlers->events_data,
                                              client);
    ngx_leaseloft_client_update(client);
}


static void
ngx_leaseloft_client_subscribed(void *data, ngx_str_t *channel)
{
    ngx_leaseloft_client_t *client = data;

    client->handlers->events->subscribed(client->handlers->events_data, client,
                                         channel);
}


static void
ngx_leaseloft_client_unsubscribed(void *data, ngx_str_t *channel)
{
    ngx_leaseloft_client_t *client = data;

    client->handlers->events->unsubscribed(client->handlers->events_data,
                                           client, channel);
}


static ngx_int_t
ngx_leaseloft_client_refused(void *data, char *error)
{
    ngx_leaseloft_client_t *client = data;

    return client->handlers->refused(client->handlers->nodes, error,
                                     client->server);
}


static void
ngx_leaseloft_client_service(void *data)
{
    ngx_leaseloft_client_t *client = data;

    client->handlers->service(client->handlers->service_data);
}


static void
ngx_leaseloft_client_reply(void *data, ngx_str_t *payload)
{
    ngx_leaseloft_client_t *client = data;

    client->handlers->reply(client->handlers->reply_data, payload);
}


static void
ngx_leaseloft_client_message(void *data, ngx_str_t *channel,
    ngx_str_t *payload)
{
    ngx_leaseloft_client_t *client = data;

    client->handlers->events->message(client->handlers->events_data, client,
                                      channel, payload);
}


/* notifies of each change between up and down once */
static void
ngx_leaseloft_client_update(ngx_leaseloft_client_t *client)
{
    ngx_uint_t  up;

    up = client->probe.subscribed
         && ngx_leaseloft_conn_ready(client->conn);

    ngx_leaseloft_client_count(client, client->probe.subscribed
                                       + ngx_leaseloft_client_ready(client),
                               0);

    if (up == client->up) {
        return;
    }

    client->up = up;
    client->starting = 0;

    if (client->server) {
        ngx_log_error(NGX_LOG_NOTICE, client->process->log, 0,
                      "redis %s:%ui is %s", client->server->host,
                      (ngx_uint_t) client->server->port,
                      up ? "connected" : "not connected");

    } else {
        ngx_log_error(NGX_LOG_NOTICE, client->process->log, 0,
                      "redis is %s", up ? "connected" : "not connected");
    }

    client->handlers->events->state(client->handlers->events_data, client);
}


/* tells the zone that so many connections work, and that more are wanted */
static void
ngx_leaseloft_client_count(ngx_leaseloft_client_t *client, ngx_uint_t links,
    ngx_int_t wanted)
{
    ngx_leaseloft_zone_links(client->process->zone,
                             (ngx_int_t) links - (ngx_int_t) client->links,
                             wanted);
    client->links = links;
}


static void
ngx_leaseloft_client_tick_handler(ngx_event_t *ev)
{
    ngx_leaseloft_client_t  *client;

    client = ev->data;

    /* pending commands delay the exit of the process */

    ev->cancelable = (client->commands.nsent == 0);
    ngx_add_timer(ev, NGX_LEASELOFT_CLIENT_TICK);

    if (ngx_leaseloft_probe_blocked(&client->probe)) {
        return;
    }

    client->handlers->events->tick(client->handlers->events_data);
    ngx_leaseloft_probe_check(&client->probe);
}
