
/*
 * Commands wait in a queue in the order in which they were sent: Redis answers
 * in that order.  The subscription connection first subscribes to the reply
 * channel of this process, then who registered makes its own subscriptions.
 *
 * Once a second the command connection publishes a probe to the reply channel.
 * What it says comes back on the subscription connection, so that a pair that
 * has gone silent in any of its four directions is found and closed.  A write
 * that changes nothing goes with it: a primary that became a replica tells
 * nobody, answers reads, and even passes on what is published at the new one.
 * By that, a subscription left behind at a replica hears its probes as well; so
 * the server of the commands is to have it among its own subscribers.
 */


#include "ngx_leaseloft_backoff.h"
#include "ngx_leaseloft_client.h"
#include "ngx_leaseloft_conn.h"
#include "ngx_leaseloft_zone.h"


#define NGX_LEASELOFT_LINK_TICK         250
#define NGX_LEASELOFT_LINK_PROBE        1000
#define NGX_LEASELOFT_LINK_SILENCE      3500


/* one of the two connections, and when to try it again */
typedef struct {
    ngx_leaseloft_conn_t       *redis;
    ngx_leaseloft_backoff_t     backoff;
} ngx_leaseloft_side_t;


struct ngx_leaseloft_link_s {
    ngx_leaseloft_process_t    *process;
    ngx_leaseloft_side_t        command;
    ngx_leaseloft_side_t        subscription;

    ngx_leaseloft_commands_t    commands;      /* that were sent */

    const ngx_leaseloft_link_events_t  *events;
    void                               *events_data;
    ngx_leaseloft_link_reply_pt         reply;
    void                               *reply_data;

    ngx_str_t                   channel;       /* the reply channel */
    u_char                      channel_data[LL_KEY_MAX];

    ngx_event_t                 tick;
    ngx_msec_t                  ticked;
    ngx_msec_t                  probed;        /* the last probe left */
    ngx_msec_t                  heard;         /* anything was heard */
    char                        refusal[NGX_LEASELOFT_CONN_WHY];

    unsigned                    starting:1;    /* neither up nor down yet */
    unsigned                    listening:1;   /* the reply channel is heard */
    unsigned                    up:1;
};


static void ngx_leaseloft_link_command_ready(void *data);
static void ngx_leaseloft_link_command_reply(void *data, redisReply *reply);
static void ngx_leaseloft_link_command_closed(void *data);
static void ngx_leaseloft_link_subscription_ready(void *data);
static void ngx_leaseloft_link_subscription_reply(void *data,
    redisReply *reply);
static void ngx_leaseloft_link_subscription_closed(void *data);
static void ngx_leaseloft_link_connect(void *data);
static void ngx_leaseloft_link_tick_handler(ngx_event_t *ev);
static void ngx_leaseloft_link_probe(ngx_leaseloft_link_t *link);
static void ngx_leaseloft_link_probed(void *data,
    ngx_leaseloft_outcome_e outcome, redisReply *reply);
static void ngx_leaseloft_link_tried(void *data,
    ngx_leaseloft_outcome_e outcome, redisReply *reply);
static void ngx_leaseloft_link_update(ngx_leaseloft_link_t *link);


static ngx_leaseloft_conn_handlers_t  ngx_leaseloft_link_command_handlers = {
    ngx_leaseloft_link_command_ready,
    ngx_leaseloft_link_command_reply,
    ngx_leaseloft_link_command_closed
};


static ngx_leaseloft_conn_handlers_t
    ngx_leaseloft_link_subscription_handlers =
{
    ngx_leaseloft_link_subscription_ready,
    ngx_leaseloft_link_subscription_reply,
    ngx_leaseloft_link_subscription_closed
};


static ngx_int_t
ngx_leaseloft_link_side_init(ngx_leaseloft_link_t *link,
    ngx_leaseloft_side_t *side, char *name,
    ngx_leaseloft_conn_handlers_t *handlers, ngx_pool_t *pool)
{
    side->redis = ngx_leaseloft_conn_create(link->process->conf, name,
                                            handlers, link, pool,
                                            link->process->log);
    if (side->redis == NULL) {
        return NGX_ERROR;
    }

    ngx_leaseloft_backoff_init(&side->backoff, ngx_leaseloft_link_connect,
                               side, link->process->log);
    ngx_leaseloft_backoff_now(&side->backoff);

    return NGX_OK;
}


static void
ngx_leaseloft_link_connect(void *data)
{
    ngx_leaseloft_side_t  *side = data;

    ngx_leaseloft_conn_connect(side->redis);
}


ngx_leaseloft_link_t *
ngx_leaseloft_link_create(ngx_leaseloft_process_t *process, ngx_pool_t *pool)
{
    ngx_leaseloft_link_t  *link;

    link = ngx_pcalloc(pool, sizeof(ngx_leaseloft_link_t));
    if (link == NULL) {
        return NULL;
    }

    link->process = process;

    ngx_leaseloft_command_init(&link->commands, process->log);

    link->channel.data = link->channel_data;
    link->channel.len = ll_keys_reply_channel((char *) link->channel_data,
                                              (char *) process->name.data,
                                              process->name.len);

    link->tick.handler = ngx_leaseloft_link_tick_handler;
    link->tick.data = link;
    link->tick.log = process->log;
    link->tick.cancelable = 1;

    if (ngx_leaseloft_link_side_init(link, &link->command, "command",
                                     &ngx_leaseloft_link_command_handlers,
                                     pool)
        != NGX_OK
        || ngx_leaseloft_link_side_init(link, &link->subscription,
                                     "subscription",
                                     &ngx_leaseloft_link_subscription_handlers,
                                     pool)
           != NGX_OK)
    {
        return NULL;
    }

    link->starting = 1;
    link->ticked = ngx_current_msec;
    ngx_add_timer(&link->tick, NGX_LEASELOFT_LINK_TICK);

    return link;
}


void
ngx_leaseloft_link_on_events(ngx_leaseloft_link_t *link,
    const ngx_leaseloft_link_events_t *events, void *data)
{
    link->events = events;
    link->events_data = data;
}


void
ngx_leaseloft_link_on_reply(ngx_leaseloft_link_t *link,
    ngx_leaseloft_link_reply_pt handler, void *data)
{
    link->reply = handler;
    link->reply_data = data;
}


void
ngx_leaseloft_link_free(ngx_leaseloft_link_t *link)
{
    ngx_leaseloft_conn_close(link->command.redis);
    ngx_leaseloft_conn_close(link->subscription.redis);

    ngx_leaseloft_backoff_free(&link->command.backoff);
    ngx_leaseloft_backoff_free(&link->subscription.backoff);

    if (link->tick.timer_set) {
        ngx_del_timer(&link->tick);
    }

    ngx_leaseloft_command_free(&link->commands);
}


ngx_leaseloft_command_t *
ngx_leaseloft_link_command(ngx_leaseloft_link_t *link, ngx_uint_t argc,
    ngx_str_t *argv, ngx_leaseloft_reply_pt handler, void *data)
{
    ngx_leaseloft_command_t  *command;

    /*
     * A process that has just started, after a reload say, gets requests
     * before Redis has answered its greeting: their commands follow it.
     */

    if (!link->starting && !ngx_leaseloft_link_ready(link)) {
        return NULL;
    }

    command = ngx_leaseloft_command_add(&link->commands, handler, data);
    if (command == NULL) {
        return NULL;
    }

    if (ngx_leaseloft_conn_command(link->command.redis, argc, argv)
        != NGX_OK)
    {
        ngx_leaseloft_command_drop(&link->commands, command);
        return NULL;
    }

    ngx_leaseloft_zone_count(link->process->zone, NGX_LEASELOFT_COMMANDS, 1);

    return command;
}


ngx_int_t
ngx_leaseloft_link_subscribe(ngx_leaseloft_link_t *link, ngx_uint_t n,
    ngx_str_t *channels)
{
    ngx_str_t  argv[1 + NGX_LEASELOFT_LINK_BATCH];

    if (!link->listening) {
        return NGX_DECLINED;
    }

    ngx_str_set(&argv[0], "SUBSCRIBE");
    ngx_memcpy(&argv[1], channels, n * sizeof(ngx_str_t));

    return ngx_leaseloft_conn_command(link->subscription.redis, 1 + n, argv);
}


ngx_int_t
ngx_leaseloft_link_unsubscribe(ngx_leaseloft_link_t *link, ngx_str_t *channel)
{
    ngx_str_t  argv[2];

    if (!link->listening) {
        return NGX_DECLINED;
    }

    ngx_str_set(&argv[0], "UNSUBSCRIBE");
    argv[1] = *channel;

    return ngx_leaseloft_conn_command(link->subscription.redis, 2, argv);
}


void
ngx_leaseloft_link_distrust(ngx_leaseloft_link_t *link)
{
    ngx_leaseloft_conn_fail(link->subscription.redis, "malformed frame");
}


ngx_uint_t
ngx_leaseloft_link_up(ngx_leaseloft_link_t *link)
{
    return link->up;
}


ngx_uint_t
ngx_leaseloft_link_starting(ngx_leaseloft_link_t *link)
{
    return link->starting;
}


ngx_uint_t
ngx_leaseloft_link_ready(ngx_leaseloft_link_t *link)
{
    return ngx_leaseloft_conn_ready(link->command.redis);
}


char *
ngx_leaseloft_link_why(ngx_leaseloft_link_t *link)
{
    return ngx_leaseloft_conn_why(ngx_leaseloft_link_ready(link)
                                   ? link->subscription.redis
                                   : link->command.redis);
}


char *
ngx_leaseloft_link_refusal(ngx_leaseloft_link_t *link)
{
    return link->refusal;
}


/* the two connections' callbacks */

static void
ngx_leaseloft_link_command_ready(void *data)
{
    ngx_leaseloft_link_t  *link = data;

    link->heard = ngx_current_msec;
    ngx_leaseloft_backoff_reset(&link->command.backoff);

    ngx_leaseloft_link_probe(link);
    ngx_leaseloft_link_update(link);
    link->events->ready(link->events_data);
}


static void
ngx_leaseloft_link_command_reply(void *data, redisReply *reply)
{
    ngx_leaseloft_link_t *link = data;

    ngx_uint_t  demoted;

    demoted = ngx_leaseloft_conn_demoted(reply);

    if (ngx_leaseloft_command_reply(&link->commands, reply) != NGX_OK) {
        ngx_leaseloft_conn_fail(link->command.redis,
                                "a reply nobody asked for");
        return;
    }

    /* the address may lead to another one by now */

    if (demoted) {
        ngx_leaseloft_conn_fail(link->command.redis, "a read-only replica");

        if (link->listening) {
            ngx_leaseloft_conn_fail(link->subscription.redis,
                                    "a read-only replica");
        }
    }
}


static void
ngx_leaseloft_link_command_closed(void *data)
{
    ngx_leaseloft_link_t *link = data;

    ngx_leaseloft_zone_count(link->process->zone, NGX_LEASELOFT_LINKS_LOST, 1);

    link->starting = 0;

    ngx_leaseloft_backoff_wait(&link->command.backoff);
    ngx_leaseloft_link_update(link);

    ngx_leaseloft_command_lost(&link->commands);
}


static void
ngx_leaseloft_link_subscription_ready(void *data)
{
    ngx_leaseloft_link_t *link = data;

    ngx_str_t  argv[2];

    link->heard = ngx_current_msec;

    ngx_str_set(&argv[0], "SUBSCRIBE");
    argv[1] = link->channel;

    (void) ngx_leaseloft_conn_command(link->subscription.redis, 2, argv);
}


static void
ngx_leaseloft_link_heard(ngx_leaseloft_link_t *link, ngx_str_t *channel,
    ngx_str_t *payload)
{
    ngx_leaseloft_zone_count(link->process->zone,
                             NGX_LEASELOFT_FRAMES_RECEIVED, 1);

    if (channel->len != link->channel.len
        || ngx_memcmp(channel->data, link->channel.data, channel->len) != 0)
    {
        link->events->message(link->events_data, channel, payload);
        return;
    }

    if (payload->len >= 6 && ngx_memcmp(payload->data, "probe ", 6) == 0) {
        return;
    }

    link->reply(link->reply_data, payload);
}


/*
 * ["message", CHANNEL, PAYLOAD], ["subscribe", CHANNEL, COUNT], or an error,
 * such as NOPERM, by which the server refuses to let us listen
 */

static void
ngx_leaseloft_link_subscription_reply(void *data, redisReply *reply)
{
    ngx_leaseloft_link_t *link = data;

    ngx_str_t     channel, payload;
    redisReply  **element;

    link->heard = ngx_current_msec;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3
        || reply->element[0]->type != REDIS_REPLY_STRING
        || reply->element[1]->type != REDIS_REPLY_STRING)
    {
        if (reply->type == REDIS_REPLY_ERROR) {
            ngx_log_error(NGX_LOG_ERR, link->process->log, 0,
                          "redis refused to subscribe: \"%s\"", reply->str);
            ngx_leaseloft_conn_refuse(link->subscription.redis, reply->str);
            return;
        }

        ngx_leaseloft_conn_fail(link->subscription.redis,
                                "not a subscription's reply");
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

        ngx_leaseloft_link_heard(link, &channel, &payload);

    } else if (ngx_strcmp(element[0]->str, "subscribe") == 0) {

        if (link->listening) {
            link->events->subscribed(link->events_data, &channel);

        } else {
            link->listening = 1;
            ngx_leaseloft_backoff_reset(&link->subscription.backoff);
            link->events->subscriber_ready(link->events_data);
            ngx_leaseloft_link_update(link);
        }
    }
}


static void
ngx_leaseloft_link_subscription_closed(void *data)
{
    ngx_leaseloft_link_t *link = data;

    ngx_leaseloft_zone_count(link->process->zone, NGX_LEASELOFT_LINKS_LOST, 1);

    link->listening = 0;
    link->starting = 0;

    ngx_leaseloft_backoff_wait(&link->subscription.backoff);
    link->events->subscriber_lost(link->events_data);
    ngx_leaseloft_link_update(link);
}


/* up, and down, are each told once */

static void
ngx_leaseloft_link_update(ngx_leaseloft_link_t *link)
{
    ngx_uint_t  up;

    up = link->listening && ngx_leaseloft_conn_ready(link->command.redis);

    if (up == link->up) {
        return;
    }

    link->up = up;
    link->starting = 0;

    ngx_log_error(NGX_LOG_NOTICE, link->process->log, 0,
                  "link to redis is %s", up ? "up" : "down");

    link->events->state(link->events_data);
}


static void
ngx_leaseloft_link_probe(ngx_leaseloft_link_t *link)
{
    u_char     text[sizeof("probe \n") + NGX_INT_T_LEN];
    ngx_str_t  argv[3], probe[NGX_LEASELOFT_CONN_PROBE_ARGS];

    ngx_str_set(&argv[0], "PUBLISH");
    argv[1] = link->channel;
    argv[2].data = text;
    argv[2].len = ngx_sprintf(text, "probe %M\n", ngx_current_msec) - text;

    link->probed = ngx_current_msec;

    /* before it listens there is nothing to be told by the answer */

    (void) ngx_leaseloft_link_command(link, 3, argv,
                            link->listening ? ngx_leaseloft_link_probed : NULL,
                            link);

    ngx_leaseloft_conn_write_probe(probe, &link->channel);

    (void) ngx_leaseloft_link_command(link, NGX_LEASELOFT_CONN_PROBE_ARGS,
                                      probe, ngx_leaseloft_link_tried, link);
}


static void
ngx_leaseloft_link_tried(void *data, ngx_leaseloft_outcome_e outcome,
    redisReply *reply)
{
    ngx_leaseloft_link_t *link = data;

    char  *why;

    why = "";

    if (outcome == NGX_LEASELOFT_REPLIED && reply->type == REDIS_REPLY_ERROR
        && ngx_strncmp(reply->str, "NOPERM ", 7) != 0)
    {
        why = reply->str;
    }

    ngx_cpystrn((u_char *) link->refusal, (u_char *) why,
                sizeof(link->refusal));
}


/* how many subscribers of this server heard it */

static void
ngx_leaseloft_link_probed(void *data, ngx_leaseloft_outcome_e outcome,
    redisReply *reply)
{
    ngx_leaseloft_link_t *link = data;

    if (outcome == NGX_LEASELOFT_REPLIED
        && reply->type == REDIS_REPLY_INTEGER && reply->integer == 0
        && link->listening)
    {
        ngx_leaseloft_conn_fail(link->subscription.redis,
                                "not with the server of the commands");
    }
}


static void
ngx_leaseloft_link_tick_handler(ngx_event_t *ev)
{
    ngx_msec_t             late;
    ngx_leaseloft_link_t  *link;

    link = ev->data;
    late = ngx_current_msec - link->ticked;
    link->ticked = ngx_current_msec;

    /* an exiting process stays for the commands it has sent */

    ev->cancelable = (link->commands.nsent == 0);
    ngx_add_timer(ev, NGX_LEASELOFT_LINK_TICK);

    if (late > NGX_LEASELOFT_LINK_SILENCE / 2) {

        /* it was this process that stood still: the others get their time */

        link->heard = ngx_current_msec;

        ngx_leaseloft_command_touch(&link->commands);

        return;
    }

    link->events->tick(link->events_data);

    if (ngx_leaseloft_conn_ready(link->command.redis)
        && ngx_leaseloft_command_age(&link->commands)
           > NGX_LEASELOFT_LINK_SILENCE)
    {
        ngx_leaseloft_conn_fail(link->command.redis, "silent");
    }

    if (ngx_leaseloft_conn_ready(link->subscription.redis)
        && (link->up || !link->listening)
        && ngx_current_msec - link->heard > NGX_LEASELOFT_LINK_SILENCE)
    {
        ngx_leaseloft_conn_fail(link->subscription.redis, "silent");
    }

    if (ngx_leaseloft_conn_ready(link->command.redis)
        && ngx_current_msec - link->probed >= NGX_LEASELOFT_LINK_PROBE)
    {
        ngx_leaseloft_link_probe(link);
    }
}
