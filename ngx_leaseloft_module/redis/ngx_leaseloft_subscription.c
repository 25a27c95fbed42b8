
/*
 * The subscription connection, which reconnects by itself.  What the server
 * sends on it are messages and replies to subscriptions alike, each of three
 * elements.
 */


#include "ngx_leaseloft_subscription.h"
#include "ngx_leaseloft_zone.h"


static void ngx_leaseloft_subscription_connect(void *data);
static void ngx_leaseloft_subscription_ready(void *data);
static void ngx_leaseloft_subscription_reply(void *data, redisReply *reply);
static void ngx_leaseloft_subscription_closed(void *data);


static ngx_leaseloft_conn_handlers_t  ngx_leaseloft_subscription_handlers = {
    ngx_leaseloft_subscription_ready,
    ngx_leaseloft_subscription_reply,
    ngx_leaseloft_subscription_closed
};


ngx_leaseloft_conn_t *
ngx_leaseloft_subscription_conn(ngx_leaseloft_subscription_t *sub,
    ngx_pool_t *pool)
{
    return ngx_leaseloft_conn_create(sub->process->conf, "subscription",
                                     &ngx_leaseloft_subscription_handlers, sub,
                                     pool, sub->process->log);
}


static void
ngx_leaseloft_subscription_name(ngx_leaseloft_subscription_t *sub,
    ngx_str_t *name)
{
    sub->name.data = sub->name_data;
    sub->name.len = ngx_min(name->len, LL_KEY_ID_MAX);
    ngx_memcpy(sub->name.data, name->data, sub->name.len);

    sub->channel.data = sub->channel_data;
    sub->channel.len = ll_keys_reply_channel((char *) sub->channel_data,
                                             (char *) sub->name.data,
                                             sub->name.len);
}


void
ngx_leaseloft_subscription_init(ngx_leaseloft_subscription_t *sub,
    ngx_leaseloft_conn_t *conn, ngx_str_t *name)
{
    sub->conn = conn;

    ngx_leaseloft_subscription_name(sub, name);

    sub->all.data = sub->all_data;
    sub->all.len = ll_keys_service_channel((char *) sub->all_data);

    ngx_leaseloft_backoff_init(&sub->backoff,
                               ngx_leaseloft_subscription_connect, sub,
                               sub->process->log);
    ngx_leaseloft_backoff_now(&sub->backoff);
}


static void
ngx_leaseloft_subscription_connect(void *data)
{
    ngx_leaseloft_subscription_t *sub = data;

    ngx_leaseloft_conn_connect(sub->conn);
}


void
ngx_leaseloft_subscription_free(ngx_leaseloft_subscription_t *sub)
{
    ngx_leaseloft_conn_close(sub->conn);
    ngx_leaseloft_backoff_free(&sub->backoff);
}


static void
ngx_leaseloft_subscription_verb(ngx_leaseloft_subscription_t *sub,
    ngx_str_t *verb)
{
    if (sub->sharded) {
        ngx_str_set(verb, "SSUBSCRIBE");

    } else {
        ngx_str_set(verb, "SUBSCRIBE");
    }
}


/* subscribes to the process's own channels: the reply channel, and others */
static void
ngx_leaseloft_subscription_own(ngx_leaseloft_subscription_t *sub,
    ngx_str_t *channel, ngx_str_t *other)
{
    ngx_str_t  argv[3];

    ngx_leaseloft_subscription_verb(sub, &argv[0]);
    argv[1] = *channel;

    if (other) {
        argv[2] = *other;
    }

    (void) ngx_leaseloft_conn_command(sub->conn, other ? 3 : 2, argv);
}


void
ngx_leaseloft_subscription_rename(ngx_leaseloft_subscription_t *sub,
    ngx_str_t *name)
{
    ngx_leaseloft_subscription_name(sub, name);

    if (ngx_leaseloft_conn_ready(sub->conn)) {
        sub->probe->unconfirmed = 1;
        ngx_leaseloft_subscription_own(sub, &sub->channel, NULL);
    }
}


void
ngx_leaseloft_subscription_serve(ngx_leaseloft_subscription_t *sub)
{
    if (sub->probe->subscribed) {
        ngx_leaseloft_subscription_own(sub, &sub->all, NULL);
    }
}


ngx_int_t
ngx_leaseloft_subscription_add(ngx_leaseloft_subscription_t *sub, ngx_uint_t n,
    ngx_str_t *channels)
{
    ngx_str_t  argv[1 + NGX_LEASELOFT_SUBSCRIPTION_BATCH];

    if (!sub->probe->subscribed) {
        return NGX_DECLINED;
    }

    ngx_leaseloft_subscription_verb(sub, &argv[0]);
    ngx_memcpy(&argv[1], channels, n * sizeof(ngx_str_t));

    return ngx_leaseloft_conn_command(sub->conn, 1 + n, argv);
}


ngx_int_t
ngx_leaseloft_subscription_remove(ngx_leaseloft_subscription_t *sub,
    ngx_str_t *channel)
{
    ngx_str_t  argv[2];

    if (!sub->probe->subscribed) {
        return NGX_DECLINED;
    }

    if (sub->sharded) {
        ngx_str_set(&argv[0], "SUNSUBSCRIBE");

    } else {
        ngx_str_set(&argv[0], "UNSUBSCRIBE");
    }

    argv[1] = *channel;

    return ngx_leaseloft_conn_command(sub->conn, 2, argv);
}


static void
ngx_leaseloft_subscription_ready(void *data)
{
    ngx_leaseloft_subscription_t *sub = data;

    ngx_leaseloft_probe_touch(sub->probe);

    ngx_leaseloft_subscription_own(sub, &sub->channel,
                                   sub->sharded ? NULL : &sub->all);
}


static ngx_uint_t
ngx_leaseloft_subscription_is(ngx_str_t *channel, ngx_str_t *own)
{
    return channel->len == own->len
           && ngx_memcmp(channel->data, own->data, own->len) == 0;
}


static void
ngx_leaseloft_subscription_received(ngx_leaseloft_subscription_t *sub,
    ngx_str_t *channel, ngx_str_t *payload)
{
    ngx_leaseloft_counters_add(sub->process->zone,
                               NGX_LEASELOFT_FRAMES_RECEIVED, 1);

    if (ngx_leaseloft_subscription_is(channel, &sub->all)) {
        sub->handlers->service(sub->data);

    } else if (!ngx_leaseloft_subscription_is(channel, &sub->channel)) {
        sub->handlers->message(sub->data, channel, payload);

    } else if (!ngx_leaseloft_probe_match(payload)) {
        sub->handlers->reply(sub->data, payload);
    }
}


static void
ngx_leaseloft_subscription_confirmed(ngx_leaseloft_subscription_t *sub,
    ngx_str_t *channel)
{
    if (ngx_leaseloft_subscription_is(channel, &sub->all)) {
        sub->handlers->service(sub->data);

    } else if (!ngx_leaseloft_subscription_is(channel, &sub->channel)) {
        sub->handlers->subscribed(sub->data, channel);

    } else if (sub->probe->subscribed) {
        sub->probe->unconfirmed = 0;

    } else {
        sub->probe->subscribed = 1;
        sub->probe->unconfirmed = 0;
        ngx_leaseloft_backoff_reset(&sub->backoff);
        sub->handlers->ready(sub->data);
    }
}


/*
 * A subscription ended.  That to the own channel is asked for once more: the
 * answer, MOVED, says where its slot is.
 */
static void
ngx_leaseloft_subscription_ended(ngx_leaseloft_subscription_t *sub,
    ngx_str_t *channel)
{
    if (ngx_leaseloft_subscription_is(channel, &sub->channel)) {
        sub->probe->unconfirmed = 1;
        ngx_leaseloft_subscription_own(sub, &sub->channel, NULL);

    } else if (ngx_leaseloft_subscription_is(channel, &sub->all)) {
        ngx_leaseloft_subscription_serve(sub);

    } else {
        sub->handlers->unsubscribed(sub->data, channel);
    }
}


/*
 * ["message", CHANNEL, PAYLOAD], ["subscribe", CHANNEL, COUNT], in a cluster
 * ["smessage", ...], or an error, such as NOPERM, if the server refuses the
 * subscription
 */
static void
ngx_leaseloft_subscription_reply(void *data, redisReply *reply)
{
    ngx_leaseloft_subscription_t *sub = data;

    char         *kind;
    ngx_str_t     channel, payload;
    redisReply  **element;

    ngx_leaseloft_probe_touch(sub->probe);

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3
        || reply->element[0]->type != REDIS_REPLY_STRING
        || reply->element[1]->type != REDIS_REPLY_STRING)
    {
        if (reply->type == REDIS_REPLY_ERROR) {

            if (sub->sharded
                && sub->handlers->refused(sub->data, reply->str) == NGX_OK)
            {
                return;
            }

            ngx_log_error(NGX_LOG_ERR, sub->process->log, 0,
                          "redis refused to subscribe: \"%s\"", reply->str);
            ngx_leaseloft_conn_refuse(sub->conn, reply->str);
            return;
        }

        ngx_leaseloft_conn_fail(sub->conn,
                                "malformed reply to a subscription");
        return;
    }

    element = reply->element;
    channel.data = (u_char *) element[1]->str;
    channel.len = element[1]->len;

    kind = element[0]->str;

    if (sub->sharded && *kind == 's') {
        kind++;
    }

    if (ngx_strcmp(kind, "message") == 0
        && element[2]->type == REDIS_REPLY_STRING)
    {
        payload.data = (u_char *) element[2]->str;
        payload.len = element[2]->len;

        ngx_leaseloft_subscription_received(sub, &channel, &payload);

    } else if (ngx_strcmp(kind, "subscribe") == 0) {
        ngx_leaseloft_subscription_confirmed(sub, &channel);

    } else if (sub->sharded && ngx_strcmp(kind, "unsubscribe") == 0) {
        ngx_leaseloft_subscription_ended(sub, &channel);
    }
}


static void
ngx_leaseloft_subscription_closed(void *data)
{
    ngx_leaseloft_subscription_t *sub = data;

    if (sub->probe->subscribed) {
        ngx_leaseloft_counters_add(sub->process->zone,
                                   NGX_LEASELOFT_CONNECTIONS_LOST, 1);
    }

    sub->probe->subscribed = 0;

    ngx_leaseloft_backoff_wait(&sub->backoff);
    sub->handlers->closed(sub->data);
}
