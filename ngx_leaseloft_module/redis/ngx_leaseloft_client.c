
/*
 * Commands are queued in the order in which they were sent, since Redis replies
 * in that order.  The subscription connection first subscribes to the reply
 * channel of this process, then the owner of the events subscribes.  A probe
 * (ngx_leaseloft_probe.h) closes connections that fail without notice.
 */


#include "ngx_leaseloft_backoff.h"
#include "ngx_leaseloft_client.h"
#include "ngx_leaseloft_conn.h"
#include "ngx_leaseloft_probe.h"
#include "ngx_leaseloft_write_probe.h"
#include "ngx_leaseloft_zone.h"


#define NGX_LEASELOFT_CLIENT_TICK  250


/* one of the two connections, and its retry timer */
typedef struct {
    ngx_leaseloft_conn_t       *redis;
    ngx_leaseloft_backoff_t     backoff;
} ngx_leaseloft_client_side_t;


struct ngx_leaseloft_client_s {
    ngx_leaseloft_process_t           *process;
    ngx_leaseloft_sentinel_t          *sentinel;   /* NULL: none to ask */
    ngx_leaseloft_client_side_t        command;
    ngx_leaseloft_client_side_t        subscription;

    ngx_leaseloft_commands_t    commands;      /* sent, not answered */

    const ngx_leaseloft_client_events_t  *events;
    void                                 *events_data;
    ngx_leaseloft_client_reply_pt         reply;
    void                                 *reply_data;
    ngx_leaseloft_client_service_pt       service;
    void                                 *service_data;

    ngx_str_t                   channel;       /* the reply channel */
    u_char                      channel_data[LL_KEY_MAX];
    ngx_str_t                   all;           /* that of all processes */
    u_char                      all_data[LL_KEY_MAX];

    ngx_event_t                 tick;
    ngx_leaseloft_probe_t       probe;

    unsigned                    starting:1;    /* first attempt to connect */
    unsigned                    ready:1;   /* for commands, once connected */
    unsigned                    up:1;
};


static void ngx_leaseloft_client_command_ready(void *data);
static void ngx_leaseloft_client_command_reply(void *data, redisReply *reply);
static void ngx_leaseloft_client_command_closed(void *data);
static void ngx_leaseloft_client_subscription_ready(void *data);
static void ngx_leaseloft_client_subscription_reply(void *data,
    redisReply *reply);
static void ngx_leaseloft_client_subscription_closed(void *data);
static void ngx_leaseloft_client_connect(void *data);
static void ngx_leaseloft_client_moved(void *data,
    ngx_leaseloft_server_t *server);
static void ngx_leaseloft_client_tick_handler(ngx_event_t *ev);
static void ngx_leaseloft_client_update(ngx_leaseloft_client_t *client);


static ngx_leaseloft_conn_handlers_t  ngx_leaseloft_client_command_handlers = {
    ngx_leaseloft_client_command_ready,
    ngx_leaseloft_client_command_reply,
    ngx_leaseloft_client_command_closed
};


static ngx_leaseloft_conn_handlers_t
    ngx_leaseloft_client_subscription_handlers =
{
    ngx_leaseloft_client_subscription_ready,
    ngx_leaseloft_client_subscription_reply,
    ngx_leaseloft_client_subscription_closed
};


static ngx_int_t
ngx_leaseloft_client_side_init(ngx_leaseloft_client_t *client,
    ngx_leaseloft_client_side_t *side, char *name,
    ngx_leaseloft_conn_handlers_t *handlers, ngx_pool_t *pool)
{
    side->redis = ngx_leaseloft_conn_create(client->process->conf, name,
                                            handlers, client, pool,
                                            client->process->log);
    if (side->redis == NULL) {
        return NGX_ERROR;
    }

    if (client->sentinel) {
        ngx_leaseloft_conn_follow(side->redis, client->sentinel);
    }

    ngx_leaseloft_backoff_init(&side->backoff, ngx_leaseloft_client_connect,
                               side, client->process->log);
    ngx_leaseloft_backoff_now(&side->backoff);

    return NGX_OK;
}


static void
ngx_leaseloft_client_connect(void *data)
{
    ngx_leaseloft_client_side_t  *side = data;

    ngx_leaseloft_conn_connect(side->redis);
}


/* both connections lead to the same server, the new one */
static void
ngx_leaseloft_client_moved(void *data, ngx_leaseloft_server_t *server)
{
    ngx_leaseloft_client_t *client = data;

    ngx_leaseloft_conn_moved(client->command.redis, server);
    ngx_leaseloft_conn_moved(client->subscription.redis, server);
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


ngx_leaseloft_client_t *
ngx_leaseloft_client_create(ngx_leaseloft_process_t *process, ngx_pool_t *pool)
{
    ngx_leaseloft_client_t  *client;

    client = ngx_pcalloc(pool, sizeof(ngx_leaseloft_client_t));
    if (client == NULL) {
        return NULL;
    }

    client->process = process;

    client->channel.data = client->channel_data;
    client->channel.len = ll_keys_reply_channel((char *) client->channel_data,
                                              (char *) process->name.data,
                                              process->name.len);

    client->all.data = client->all_data;
    client->all.len = ll_keys_service_channel((char *) client->all_data);

    client->tick.handler = ngx_leaseloft_client_tick_handler;
    client->tick.data = client;
    client->tick.log = process->log;
    client->tick.cancelable = 1;

    if (ngx_leaseloft_client_sentinel(client, pool) != NGX_OK
        || ngx_leaseloft_client_side_init(client, &client->command, "command",
                                       &ngx_leaseloft_client_command_handlers,
                                       pool)
           != NGX_OK
        || ngx_leaseloft_client_side_init(client, &client->subscription,
                                   "subscription",
                                   &ngx_leaseloft_client_subscription_handlers,
                                   pool)
           != NGX_OK)
    {
        return NULL;
    }

    ngx_leaseloft_command_init(&client->commands, client->command.redis,
                               process);
    ngx_leaseloft_probe_init(&client->probe, &client->commands,
                             client->subscription.redis, &client->channel);

    client->starting = 1;
    ngx_add_timer(&client->tick, NGX_LEASELOFT_CLIENT_TICK);

    return client;
}


void
ngx_leaseloft_client_on_events(ngx_leaseloft_client_t *client,
    const ngx_leaseloft_client_events_t *events, void *data)
{
    client->events = events;
    client->events_data = data;
}


void
ngx_leaseloft_client_on_reply(ngx_leaseloft_client_t *client,
    ngx_leaseloft_client_reply_pt handler, void *data)
{
    client->reply = handler;
    client->reply_data = data;
}


void
ngx_leaseloft_client_on_service(ngx_leaseloft_client_t *client,
    ngx_leaseloft_client_service_pt handler, void *data)
{
    client->service = handler;
    client->service_data = data;
}


void
ngx_leaseloft_client_free(ngx_leaseloft_client_t *client)
{
    ngx_leaseloft_conn_close(client->command.redis);
    ngx_leaseloft_conn_close(client->subscription.redis);

    if (client->sentinel) {
        ngx_leaseloft_sentinel_free(client->sentinel);
    }

    ngx_leaseloft_backoff_free(&client->command.backoff);
    ngx_leaseloft_backoff_free(&client->subscription.backoff);

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
ngx_leaseloft_client_subscribe(ngx_leaseloft_client_t *client, ngx_uint_t n,
    ngx_str_t *channels)
{
    ngx_str_t  argv[1 + NGX_LEASELOFT_CLIENT_BATCH];

    if (!client->probe.subscribed) {
        return NGX_DECLINED;
    }

    ngx_str_set(&argv[0], "SUBSCRIBE");
    ngx_memcpy(&argv[1], channels, n * sizeof(ngx_str_t));

    return ngx_leaseloft_conn_command(client->subscription.redis, 1 + n, argv);
}


ngx_int_t
ngx_leaseloft_client_unsubscribe(ngx_leaseloft_client_t *client,
    ngx_str_t *channel)
{
    ngx_str_t  argv[2];

    if (!client->probe.subscribed) {
        return NGX_DECLINED;
    }

    ngx_str_set(&argv[0], "UNSUBSCRIBE");
    argv[1] = *channel;

    return ngx_leaseloft_conn_command(client->subscription.redis, 2, argv);
}


void
ngx_leaseloft_client_reset(ngx_leaseloft_client_t *client)
{
    ngx_leaseloft_conn_fail(client->subscription.redis, "malformed frame");
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
    return ngx_leaseloft_conn_ready(client->command.redis);
}


char *
ngx_leaseloft_client_why(ngx_leaseloft_client_t *client)
{
    return ngx_leaseloft_conn_why(ngx_leaseloft_client_ready(client)
                                   ? client->subscription.redis
                                   : client->command.redis);
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
    ngx_leaseloft_backoff_reset(&client->command.backoff);

    ngx_leaseloft_probe_send(&client->probe);
    ngx_leaseloft_client_update(client);
    client->events->ready(client->events_data);
}


static void
ngx_leaseloft_client_command_reply(void *data, redisReply *reply)
{
    ngx_leaseloft_client_t *client = data;

    ngx_uint_t  demoted;

    demoted = ngx_leaseloft_write_probe_demoted(reply);

    if (ngx_leaseloft_command_reply(&client->commands, reply) != NGX_OK) {
        ngx_leaseloft_conn_fail(client->command.redis,
                                "unexpected reply");
        return;
    }

    /* reconnect both: the address may lead to the new primary */

    if (demoted) {
        ngx_leaseloft_conn_fail(client->command.redis, "a read-only replica");

        if (client->probe.subscribed) {
            ngx_leaseloft_conn_fail(client->subscription.redis,
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

    ngx_leaseloft_backoff_wait(&client->command.backoff);
    ngx_leaseloft_client_update(client);

    ngx_leaseloft_command_lost(&client->commands);
}


static void
ngx_leaseloft_client_subscription_ready(void *data)
{
    ngx_leaseloft_client_t *client = data;

    ngx_str_t  argv[3];

    ngx_leaseloft_probe_touch(&client->probe);

    ngx_str_set(&argv[0], "SUBSCRIBE");
    argv[1] = client->channel;
    argv[2] = client->all;

    (void) ngx_leaseloft_conn_command(client->subscription.redis, 3, argv);
}


static ngx_uint_t
ngx_leaseloft_client_is(ngx_str_t *channel, ngx_str_t *own)
{
    return channel->len == own->len
           && ngx_memcmp(channel->data, own->data, own->len) == 0;
}


static void
ngx_leaseloft_client_received(ngx_leaseloft_client_t *client,
    ngx_str_t *channel, ngx_str_t *payload)
{
    ngx_leaseloft_counters_add(client->process->zone,
                               NGX_LEASELOFT_FRAMES_RECEIVED, 1);

    if (ngx_leaseloft_client_is(channel, &client->all)) {
        client->service(client->service_data);

    } else if (!ngx_leaseloft_client_is(channel, &client->channel)) {
        client->events->message(client->events_data, channel, payload);

    } else if (!ngx_leaseloft_probe_match(payload)) {
        client->reply(client->reply_data, payload);
    }
}


/*
 * ["message", CHANNEL, PAYLOAD], ["subscribe", CHANNEL, COUNT], or an error,
 * such as NOPERM, if the server refuses the subscription
 */
static void
ngx_leaseloft_client_subscription_reply(void *data, redisReply *reply)
{
    ngx_leaseloft_client_t *client = data;

    ngx_str_t     channel, payload;
    redisReply  **element;

    ngx_leaseloft_probe_touch(&client->probe);

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3
        || reply->element[0]->type != REDIS_REPLY_STRING
        || reply->element[1]->type != REDIS_REPLY_STRING)
    {
        if (reply->type == REDIS_REPLY_ERROR) {
            ngx_log_error(NGX_LOG_ERR, client->process->log, 0,
                          "redis refused to subscribe: \"%s\"", reply->str);
            ngx_leaseloft_conn_refuse(client->subscription.redis, reply->str);
            return;
        }

        ngx_leaseloft_conn_fail(client->subscription.redis,
                                "malformed reply to a subscription");
        return;
    }

    element = reply->element;
    channel.data = (u_char *) element[1]->str;
    channel.len = element[1]->len;

    if (ngx_strcmp(element[0]->str, "message") == 0
        && element[2]->type == REDIS_REPLY_STRING)
    {
        payload.data = (u_char *) element[2]->str;
        payload.len = element[2]->len;

        ngx_leaseloft_client_received(client, &channel, &payload);

    } else if (ngx_strcmp(element[0]->str, "subscribe") == 0) {

        if (ngx_leaseloft_client_is(&channel, &client->all)) {
            client->service(client->service_data);

        } else if (client->probe.subscribed) {
            client->events->subscribed(client->events_data, &channel);

        } else {
            client->probe.subscribed = 1;
            ngx_leaseloft_backoff_reset(&client->subscription.backoff);
            client->events->subscriber_ready(client->events_data);
            ngx_leaseloft_client_update(client);
        }
    }
}


static void
ngx_leaseloft_client_subscription_closed(void *data)
{
    ngx_leaseloft_client_t *client = data;

    if (client->probe.subscribed) {
        ngx_leaseloft_counters_add(client->process->zone,
                                   NGX_LEASELOFT_CONNECTIONS_LOST, 1);
    }

    client->probe.subscribed = 0;
    client->starting = 0;

    ngx_leaseloft_backoff_wait(&client->subscription.backoff);
    client->events->subscriber_lost(client->events_data);
    ngx_leaseloft_client_update(client);
}


/* notifies of each change between up and down once */
static void
ngx_leaseloft_client_update(ngx_leaseloft_client_t *client)
{
    ngx_uint_t  up;

    up = client->probe.subscribed
         && ngx_leaseloft_conn_ready(client->command.redis);

    ngx_leaseloft_zone_set_links(client->process->zone,
                                 client->probe.subscribed
                                 + ngx_leaseloft_client_ready(client));

    if (up == client->up) {
        return;
    }

    client->up = up;
    client->starting = 0;

    ngx_log_error(NGX_LOG_NOTICE, client->process->log, 0,
                  "redis is %s", up ? "connected" : "not connected");

    client->events->state(client->events_data);
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

    client->events->tick(client->events_data);
    ngx_leaseloft_probe_check(&client->probe);
}
