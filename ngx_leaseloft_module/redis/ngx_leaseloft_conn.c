
/*
 * A peer (ngx_leaseloft_peer.h) with a greeting, whose commands are in the
 * peer's buffer before it is connected, or before Sentinel is asked where to.
 */


#include "ngx_leaseloft_conn.h"
#include "ngx_leaseloft_greeting.h"
#include "ngx_leaseloft_peer.h"
#include "ngx_leaseloft_sentinel.h"


/* from the lookup of the host to the last reply to the greeting */
#define NGX_LEASELOFT_CONN_TIMEOUT  3000


struct ngx_leaseloft_conn_s {
    ngx_leaseloft_peer_t             peer;
    ngx_leaseloft_conn_handlers_t   *handlers;
    void                            *data;
    ngx_leaseloft_greeting_t         greeting;
    ngx_leaseloft_sentinel_t        *sentinel;     /* NULL: a fixed address */
    ngx_leaseloft_server_t          *server;       /* without Sentinel */
    ngx_uint_t                       queue;        /* which the server has */
    ngx_leaseloft_sentinel_ask_t     ask;
    unsigned                         ready:1;
};


static void ngx_leaseloft_conn_primary(void *data,
    ngx_leaseloft_server_t *server, char *reason);
static void ngx_leaseloft_conn_reply(void *data, redisReply *reply);
static void ngx_leaseloft_conn_closed(void *data);
static void ngx_leaseloft_conn_greeted(ngx_leaseloft_conn_t *redis,
    redisReply *reply);


static ngx_leaseloft_peer_handlers_t  ngx_leaseloft_conn_peer_handlers = {
    ngx_leaseloft_conn_reply,
    ngx_leaseloft_conn_closed
};


ngx_leaseloft_conn_t *
ngx_leaseloft_conn_create(ngx_leaseloft_main_conf_t *mcf, char *name,
    ngx_leaseloft_conn_handlers_t *handlers, void *data, ngx_pool_t *pool,
    ngx_log_t *log)
{
    ngx_leaseloft_conn_t  *redis;

    redis = ngx_pcalloc(pool, sizeof(ngx_leaseloft_conn_t));

    if (redis == NULL
        || ngx_leaseloft_peer_init(&redis->peer, mcf, name,
                                   &ngx_leaseloft_conn_peer_handlers, redis,
                                   pool, log)
           != NGX_OK)
    {
        return NULL;
    }

    redis->handlers = handlers;
    redis->data = data;
    redis->server = &mcf->redis.servers[0];

    return redis;
}


void
ngx_leaseloft_conn_follow(ngx_leaseloft_conn_t *redis,
    ngx_leaseloft_sentinel_t *sentinel)
{
    redis->sentinel = sentinel;
    redis->ask.handler = ngx_leaseloft_conn_primary;
    redis->ask.data = redis;
}


void
ngx_leaseloft_conn_lead(ngx_leaseloft_conn_t *redis,
    ngx_leaseloft_server_t *server, ngx_uint_t queue)
{
    redis->server = server;
    redis->queue = queue;
}


void
ngx_leaseloft_conn_connect(ngx_leaseloft_conn_t *redis)
{
    ngx_leaseloft_redis_conf_t  *rcf;

    rcf = &redis->peer.conf->redis;

    if (ngx_leaseloft_greeting_start(&redis->greeting, &redis->peer.writer,
                                     rcf, redis->queue)
        != NGX_OK)
    {
        ngx_leaseloft_conn_fail(redis, "greeting failed");
        return;
    }

    if (redis->sentinel) {
        ngx_leaseloft_sentinel_ask(redis->sentinel, &redis->ask);
        return;
    }

    ngx_leaseloft_peer_connect(&redis->peer, redis->server,
                               NGX_LEASELOFT_CONN_TIMEOUT);
}


/* the answer of Sentinel */
static void
ngx_leaseloft_conn_primary(void *data, ngx_leaseloft_server_t *server,
    char *reason)
{
    ngx_leaseloft_conn_t *redis = data;

    if (server == NULL) {
        ngx_leaseloft_conn_fail(redis, reason);
        return;
    }

    ngx_leaseloft_peer_connect(&redis->peer, server,
                               NGX_LEASELOFT_CONN_TIMEOUT);
}


void
ngx_leaseloft_conn_moved(ngx_leaseloft_conn_t *redis,
    ngx_leaseloft_server_t *server)
{
    if (redis->peer.timer.timer_set || redis->ready) {

        if (!ngx_leaseloft_server_same(&redis->peer.server, server)) {
            ngx_leaseloft_conn_fail(redis, "another server is the primary");
        }
    }
}


void
ngx_leaseloft_conn_close(ngx_leaseloft_conn_t *redis)
{
    redis->ready = 0;
    redis->greeting.left = 0;

    ngx_leaseloft_sentinel_cancel(&redis->ask);
    ngx_leaseloft_peer_close(&redis->peer);
}


void
ngx_leaseloft_conn_fail(ngx_leaseloft_conn_t *redis, char *reason)
{
    ngx_leaseloft_peer_fail(&redis->peer, reason);
}


static void
ngx_leaseloft_conn_closed(void *data)
{
    ngx_leaseloft_conn_t *redis = data;

    ngx_leaseloft_sentinel_cancel(&redis->ask);

    if (redis->sentinel && !redis->ready) {
        ngx_leaseloft_sentinel_doubt(redis->sentinel);
    }

    redis->ready = 0;
    redis->greeting.left = 0;

    redis->handlers->closed(redis->data);
}


char *
ngx_leaseloft_conn_why(ngx_leaseloft_conn_t *redis)
{
    return redis->peer.why;
}


void
ngx_leaseloft_conn_refuse(ngx_leaseloft_conn_t *redis, char *error)
{
    ngx_leaseloft_peer_refuse(&redis->peer, error);
}


ngx_int_t
ngx_leaseloft_conn_command(ngx_leaseloft_conn_t *redis, ngx_uint_t argc,
    ngx_str_t *argv)
{
    if (!redis->ready && redis->greeting.left == 0) {
        return NGX_DECLINED;
    }

    return ngx_leaseloft_peer_command(&redis->peer, argc, argv);
}


ngx_int_t
ngx_leaseloft_conn_text(ngx_leaseloft_conn_t *redis, ngx_str_t *text)
{
    if (!redis->ready && redis->greeting.left == 0) {
        return NGX_DECLINED;
    }

    return ngx_leaseloft_peer_text(&redis->peer, text);
}


ngx_uint_t
ngx_leaseloft_conn_ready(ngx_leaseloft_conn_t *redis)
{
    return redis->ready;
}


static void
ngx_leaseloft_conn_reply(void *data, redisReply *reply)
{
    ngx_leaseloft_conn_t *redis = data;

    if (redis->ready) {
        redis->handlers->reply(redis->data, reply);

    } else {
        ngx_leaseloft_conn_greeted(redis, reply);
    }
}


static void
ngx_leaseloft_conn_greeted(ngx_leaseloft_conn_t *redis, redisReply *reply)
{
    char       reason[NGX_LEASELOFT_PEER_WHY];
    ngx_int_t  rc;

    rc = ngx_leaseloft_greeting_reply(&redis->greeting, reply, reason,
                                      sizeof(reason));

    if (rc == NGX_OK) {
        ngx_leaseloft_peer_timeout(&redis->peer, 0);
        redis->ready = 1;
        redis->handlers->ready(redis->data);

    } else if (rc == NGX_DECLINED) {
        ngx_log_error(NGX_LOG_ERR, redis->peer.log, 0,
                      "redis refused the %s connection: \"%s\"",
                      redis->peer.name, reply->str);
        ngx_leaseloft_conn_refuse(redis, reply->str);

    } else if (rc == NGX_ERROR) {
        ngx_leaseloft_conn_fail(redis, reason);
    }
}
