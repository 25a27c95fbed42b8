
/*
 * Commands are buffered in the writer and sent at the end of an iteration of
 * the event loop.  Received bytes are fed to hiredis's reader, which refuses
 * replies that are larger than expected; such a reply closes the connection.
 */


#include "ngx_leaseloft_conn.h"
#include "ngx_leaseloft_greeting.h"
#include "ngx_leaseloft_reader.h"
#include "ngx_leaseloft_writer.h"


#define NGX_LEASELOFT_CONN_CONNECT_TIMEOUT  3000
#define NGX_LEASELOFT_CONN_INPUT_MAX        (64 * 1024 * 1024)


struct ngx_leaseloft_conn_s {
    ngx_leaseloft_main_conf_t       *conf;
    char                            *name;
    ngx_leaseloft_conn_handlers_t   *handlers;
    void                            *data;
    ngx_log_t                       *log;

    ngx_peer_connection_t            peer;
    ngx_addr_t                       addr;         /* resolved, or */
    u_char                           sockaddr[sizeof(struct sockaddr_storage)];
    ngx_resolver_ctx_t              *resolving;
    ngx_event_t                      flush;

    redisReader                     *reader;
    ngx_leaseloft_reader_t           replies;

    ngx_leaseloft_writer_t           writer;

    char                             why[NGX_LEASELOFT_CONN_WHY];

    ngx_leaseloft_greeting_t         greeting;
    unsigned                         ready:1;
};


static void ngx_leaseloft_conn_resolved(ngx_resolver_ctx_t *ctx);
static void ngx_leaseloft_conn_open(ngx_leaseloft_conn_t *redis,
    ngx_addr_t *addr);
static void ngx_leaseloft_conn_write_handler(ngx_event_t *wev);
static void ngx_leaseloft_conn_read_handler(ngx_event_t *rev);
static void ngx_leaseloft_conn_flush_handler(ngx_event_t *ev);
static void ngx_leaseloft_conn_greet(ngx_leaseloft_conn_t *redis);
static ngx_int_t ngx_leaseloft_conn_replies(ngx_leaseloft_conn_t *redis);
static void ngx_leaseloft_conn_greeted(ngx_leaseloft_conn_t *redis,
    redisReply *reply);


ngx_leaseloft_conn_t *
ngx_leaseloft_conn_create(ngx_leaseloft_main_conf_t *mcf, char *name,
    ngx_leaseloft_conn_handlers_t *handlers, void *data, ngx_pool_t *pool,
    ngx_log_t *log)
{
    ngx_leaseloft_conn_t  *redis;

    redis = ngx_pcalloc(pool, sizeof(ngx_leaseloft_conn_t));

    if (redis == NULL
        || ngx_leaseloft_reader_init(&redis->replies, pool, log) != NGX_OK)
    {
        return NULL;
    }

    redis->conf = mcf;
    redis->name = name;
    redis->handlers = handlers;
    redis->data = data;
    redis->log = log;

    redis->flush.handler = ngx_leaseloft_conn_flush_handler;
    redis->flush.data = redis;
    redis->flush.log = log;
    redis->writer.log = log;

    return redis;
}


void
ngx_leaseloft_conn_connect(ngx_leaseloft_conn_t *redis)
{
    ngx_url_t           *url;
    ngx_resolver_ctx_t  *ctx;

    url = &redis->conf->redis.url;

    if (url->naddrs) {
        ngx_leaseloft_conn_open(redis, &url->addrs[0]);
        return;
    }

    ctx = ngx_resolve_start(redis->conf->resolver, NULL);

    if (ctx == NULL || ctx == NGX_NO_RESOLVER) {
        ngx_leaseloft_conn_fail(redis, "no resolver for the host name");
        return;
    }

    ctx->name = url->host;
    ctx->handler = ngx_leaseloft_conn_resolved;
    ctx->data = redis;
    ctx->timeout = redis->conf->resolver_timeout;
    ctx->cancelable = 1;

    redis->resolving = ctx;

    if (ngx_resolve_name(ctx) != NGX_OK) {
        redis->resolving = NULL;
        ngx_leaseloft_conn_fail(redis, "host name could not be resolved");
    }
}


static void
ngx_leaseloft_conn_resolved(ngx_resolver_ctx_t *ctx)
{
    ngx_addr_t             addr;
    ngx_leaseloft_conn_t  *redis;

    redis = ctx->data;
    redis->resolving = NULL;

    if (ctx->state) {
        ngx_log_error(NGX_LOG_ERR, redis->log, 0,
                      "redis host \"%V\" could not be resolved: %s",
                      &ctx->name, ngx_resolver_strerror(ctx->state));
        ngx_resolve_name_done(ctx);
        ngx_leaseloft_conn_fail(redis, "host name could not be resolved");
        return;
    }

    addr = redis->addr;
    addr.sockaddr = (struct sockaddr *) redis->sockaddr;
    addr.socklen = ctx->addrs[0].socklen;
    addr.name = redis->conf->redis.url.url;

    ngx_memcpy(redis->sockaddr, ctx->addrs[0].sockaddr, addr.socklen);
    ngx_inet_set_port(addr.sockaddr, redis->conf->redis.url.port);

    ngx_resolve_name_done(ctx);

    redis->addr = addr;

    ngx_leaseloft_conn_open(redis, &redis->addr);
}


static void
ngx_leaseloft_conn_open(ngx_leaseloft_conn_t *redis, ngx_addr_t *addr)
{
    ngx_int_t          rc;
    ngx_connection_t  *c;

    redis->reader = redisReaderCreate();

    if (redis->reader == NULL
        || ngx_leaseloft_reader_attach(&redis->replies, redis->reader)
           != NGX_OK)
    {
        ngx_leaseloft_conn_fail(redis, "no memory");
        return;
    }

    ngx_memzero(&redis->peer, sizeof(ngx_peer_connection_t));

    redis->peer.sockaddr = addr->sockaddr;
    redis->peer.socklen = addr->socklen;
    redis->peer.name = &addr->name;
    redis->peer.get = ngx_event_get_peer;
    redis->peer.log = redis->log;
    redis->peer.log_error = NGX_ERROR_ERR;

    rc = ngx_event_connect_peer(&redis->peer);

    if (rc != NGX_OK && rc != NGX_AGAIN) {
        redis->peer.connection = NULL;
        ngx_leaseloft_conn_fail(redis, "connect failed");
        return;
    }

    c = redis->peer.connection;

    c->data = redis;
    c->log = redis->log;
    c->read->log = c->log;
    c->write->log = c->log;
    c->read->handler = ngx_leaseloft_conn_read_handler;
    c->write->handler = ngx_leaseloft_conn_write_handler;

    /* connecting does not delay the exit of the process */

    c->write->cancelable = 1;

    ngx_add_timer(c->write, NGX_LEASELOFT_CONN_CONNECT_TIMEOUT);

    ngx_leaseloft_conn_greet(redis);
}


static void
ngx_leaseloft_conn_nodelay(ngx_leaseloft_conn_t *redis)
{
    int  nodelay;

    if (redis->peer.sockaddr->sa_family == AF_UNIX) {
        return;
    }

    nodelay = 1;

    if (setsockopt(redis->peer.connection->fd, IPPROTO_TCP, TCP_NODELAY,
                   (const void *) &nodelay, sizeof(int)) == -1)
    {
        ngx_log_error(NGX_LOG_ERR, redis->log, ngx_socket_errno,
                      "setsockopt(TCP_NODELAY) of redis failed");
    }
}


static void
ngx_leaseloft_conn_greet(ngx_leaseloft_conn_t *redis)
{
    ngx_connection_t  *c;

    c = redis->peer.connection;

    ngx_leaseloft_conn_nodelay(redis);

    /* what is not sent now is sent once connected */

    if (ngx_leaseloft_greeting_start(&redis->greeting, &redis->writer,
                                     &redis->conf->redis)
        != NGX_OK
        || (c->write->ready
            && ngx_leaseloft_writer_send(&redis->writer, c) == NGX_ERROR))
    {
        ngx_leaseloft_conn_fail(redis, "greeting failed");
    }
}


void
ngx_leaseloft_conn_close(ngx_leaseloft_conn_t *redis)
{
    redis->ready = 0;
    redis->greeting.left = 0;
    ngx_leaseloft_writer_reset(&redis->writer);

    if (redis->resolving) {
        ngx_resolve_name_done(redis->resolving);
        redis->resolving = NULL;
    }

    if (redis->flush.posted) {
        ngx_delete_posted_event(&redis->flush);
    }

    if (redis->reader) {
        redisReaderFree(redis->reader);
        redis->reader = NULL;
    }

    if (redis->peer.connection) {
        ngx_close_connection(redis->peer.connection);
        redis->peer.connection = NULL;
    }
}


void
ngx_leaseloft_conn_fail(ngx_leaseloft_conn_t *redis, char *reason)
{
    ngx_log_error(NGX_LOG_ERR, redis->log, 0,
                  "redis %s connection closed: %s", redis->name, reason);

    (void) ngx_cpystrn((u_char *) redis->why, (u_char *) reason,
                       sizeof(redis->why));

    ngx_leaseloft_conn_close(redis);

    redis->handlers->closed(redis->data);
}


char *
ngx_leaseloft_conn_why(ngx_leaseloft_conn_t *redis)
{
    return redis->why;
}


void
ngx_leaseloft_conn_refuse(ngx_leaseloft_conn_t *redis, char *error)
{
    char  reason[NGX_LEASELOFT_CONN_WHY];

    if (ngx_strncmp(error, "WRONGPASS ", 10) == 0) {
        error = "wrong password";

    } else if (ngx_strncmp(error, "NOAUTH ", 7) == 0) {
        error = "a password is required";
    }

    (void) ngx_snprintf((u_char *) reason, sizeof(reason), "refused: %s%Z",
                        error);
    reason[sizeof(reason) - 1] = '\0';

    ngx_leaseloft_conn_fail(redis, reason);
}


ngx_int_t
ngx_leaseloft_conn_command(ngx_leaseloft_conn_t *redis, ngx_uint_t argc,
    ngx_str_t *argv)
{
    if (!redis->ready && redis->greeting.left == 0) {
        return NGX_DECLINED;
    }

    if (ngx_leaseloft_writer_append(&redis->writer, argc, argv) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (!redis->flush.posted) {
        ngx_post_event(&redis->flush, &ngx_posted_events);
    }

    return NGX_OK;
}


ngx_uint_t
ngx_leaseloft_conn_ready(ngx_leaseloft_conn_t *redis)
{
    return redis->ready;
}


static void
ngx_leaseloft_conn_flush_handler(ngx_event_t *ev)
{
    ngx_connection_t      *c;
    ngx_leaseloft_conn_t  *redis;

    redis = ev->data;
    c = redis->peer.connection;

    if (c->write->ready
        && ngx_leaseloft_writer_send(&redis->writer, c) == NGX_ERROR)
    {
        ngx_leaseloft_conn_fail(redis, "write failed");
    }
}


static void
ngx_leaseloft_conn_write_handler(ngx_event_t *wev)
{
    ngx_connection_t      *c;
    ngx_leaseloft_conn_t  *redis;

    c = wev->data;
    redis = c->data;

    if (wev->timedout) {
        ngx_leaseloft_conn_fail(redis, "timed out");
        return;
    }

    if (ngx_leaseloft_writer_send(&redis->writer, c) == NGX_ERROR) {
        ngx_leaseloft_conn_fail(redis, "write failed");
    }
}


static void
ngx_leaseloft_conn_read_handler(ngx_event_t *rev)
{
    ssize_t                 n;
    u_char                  buf[16384];
    ngx_connection_t       *c;
    ngx_leaseloft_conn_t   *redis;

    c = rev->data;
    redis = c->data;

    for ( ;; ) {
        n = c->recv(c, buf, sizeof(buf));

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == NGX_ERROR || n == 0) {
            ngx_leaseloft_conn_fail(redis, n == 0 ? "closed by redis"
                                                   : "read failed");
            return;
        }

        if (redis->reader->len - redis->reader->pos + n
            > NGX_LEASELOFT_CONN_INPUT_MAX)
        {
            ngx_leaseloft_conn_fail(redis, "reply too large");
            return;
        }

        if (redisReaderFeed(redis->reader, (char *) buf, n) != REDIS_OK) {
            ngx_leaseloft_conn_fail(redis, redis->reader->errstr);
            return;
        }

        if (ngx_leaseloft_conn_replies(redis) != NGX_OK) {
            return;
        }
    }

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_leaseloft_conn_fail(redis, "read failed");
    }
}


/* NGX_OK, or NGX_DONE: a callback closed the connection */
static ngx_int_t
ngx_leaseloft_conn_replies(ngx_leaseloft_conn_t *redis)
{
    char               reason[128];
    void              *reply;
    ngx_uint_t         number;
    ngx_connection_t  *c;

    c = redis->peer.connection;
    number = c->number;

    for ( ;; ) {
        if (redisReaderGetReply(redis->reader, &reply) != REDIS_OK) {
            ngx_cpystrn((u_char *) reason, (u_char *) redis->reader->errstr,
                        sizeof(reason));
            ngx_leaseloft_conn_fail(redis, reason);
            return NGX_DONE;
        }

        if (reply == NULL) {
            return NGX_OK;
        }

        if (redis->ready) {
            redis->handlers->reply(redis->data, reply);

        } else {
            ngx_leaseloft_conn_greeted(redis, reply);
        }

        ngx_leaseloft_reader_reset(&redis->replies);

        if (redis->peer.connection != c || c->number != number) {
            return NGX_DONE;
        }
    }
}


static void
ngx_leaseloft_conn_greeted(ngx_leaseloft_conn_t *redis, redisReply *reply)
{
    char        reason[NGX_LEASELOFT_CONN_WHY];
    ngx_int_t   rc;

    rc = ngx_leaseloft_greeting_reply(&redis->greeting, reply, reason,
                                      sizeof(reason));

    if (rc == NGX_OK) {
        ngx_del_timer(redis->peer.connection->write);
        redis->ready = 1;
        redis->handlers->ready(redis->data);

    } else if (rc == NGX_DECLINED) {
        ngx_log_error(NGX_LOG_ERR, redis->log, 0,
                      "redis refused the %s connection: \"%s\"",
                      redis->name, reply->str);
        ngx_leaseloft_conn_refuse(redis, reply->str);

    } else if (rc == NGX_ERROR) {
        ngx_leaseloft_conn_fail(redis, reason);
    }
}
