
/*
 * Commands are buffered in the writer and sent at the end of an iteration of
 * the event loop.  Received bytes are fed to hiredis's reader, which refuses
 * replies that are larger than expected; such a reply closes the connection.
 */


#include "ngx_leaseloft_peer.h"


#define NGX_LEASELOFT_PEER_INPUT_MAX  (64 * 1024 * 1024)


static void ngx_leaseloft_peer_resolve(ngx_leaseloft_peer_t *peer);
static void ngx_leaseloft_peer_resolved(ngx_resolver_ctx_t *ctx);
static void ngx_leaseloft_peer_open(ngx_leaseloft_peer_t *peer);
static void ngx_leaseloft_peer_connected(ngx_leaseloft_peer_t *peer);
static void ngx_leaseloft_peer_handshaked(ngx_connection_t *c);
static void ngx_leaseloft_peer_ready(ngx_leaseloft_peer_t *peer);
static void ngx_leaseloft_peer_write_handler(ngx_event_t *wev);
static void ngx_leaseloft_peer_read_handler(ngx_event_t *rev);
static void ngx_leaseloft_peer_flush(ngx_leaseloft_peer_t *peer);
static void ngx_leaseloft_peer_flush_handler(ngx_event_t *ev);
static void ngx_leaseloft_peer_timer_handler(ngx_event_t *ev);
static ngx_int_t ngx_leaseloft_peer_replies(ngx_leaseloft_peer_t *peer);
static void ngx_leaseloft_peer_broken(ngx_leaseloft_peer_t *peer,
    char *reason);


ngx_int_t
ngx_leaseloft_peer_init(ngx_leaseloft_peer_t *peer,
    ngx_leaseloft_main_conf_t *mcf, char *name,
    ngx_leaseloft_peer_handlers_t *handlers, void *data, ngx_pool_t *pool,
    ngx_log_t *log)
{
    peer->conf = mcf;
    peer->name = name;
    peer->handlers = handlers;
    peer->data = data;
    peer->log = log;

    peer->flush.handler = ngx_leaseloft_peer_flush_handler;
    peer->flush.data = peer;
    peer->flush.log = log;

    /* connecting does not delay the exit of the process */

    peer->timer.handler = ngx_leaseloft_peer_timer_handler;
    peer->timer.data = peer;
    peer->timer.log = log;
    peer->timer.cancelable = 1;

    peer->writer.log = log;

    return ngx_leaseloft_reader_init(&peer->replies, pool, log);
}


void
ngx_leaseloft_peer_connect(ngx_leaseloft_peer_t *peer,
    ngx_leaseloft_server_t *server, ngx_msec_t msec)
{
    peer->server = *server;

    ngx_leaseloft_peer_timeout(peer, msec);

    if (peer->server.socklen == 0) {
        ngx_leaseloft_peer_resolve(peer);
        return;
    }

    ngx_leaseloft_peer_open(peer);
}


static void
ngx_leaseloft_peer_resolve(ngx_leaseloft_peer_t *peer)
{
    ngx_resolver_ctx_t  *ctx;

    ctx = ngx_resolve_start(peer->conf->resolver, NULL);

    if (ctx == NULL || ctx == NGX_NO_RESOLVER) {
        ngx_leaseloft_peer_fail(peer, "no resolver for the host name");
        return;
    }

    ctx->name.data = (u_char *) peer->server.host;
    ctx->name.len = ngx_strlen(peer->server.host);
    ctx->handler = ngx_leaseloft_peer_resolved;
    ctx->data = peer;
    ctx->timeout = peer->conf->resolver_timeout;
    ctx->cancelable = 1;

    peer->resolving = ctx;

    if (ngx_resolve_name(ctx) != NGX_OK) {
        peer->resolving = NULL;
        ngx_leaseloft_peer_fail(peer, "host name could not be resolved");
    }
}


static void
ngx_leaseloft_peer_resolved(ngx_resolver_ctx_t *ctx)
{
    ngx_leaseloft_peer_t    *peer;
    ngx_leaseloft_server_t  *server;

    peer = ctx->data;
    peer->resolving = NULL;

    if (ctx->state) {
        ngx_log_error(NGX_LOG_ERR, peer->log, 0,
                      "redis host \"%V\" could not be resolved: %s",
                      &ctx->name, ngx_resolver_strerror(ctx->state));
        ngx_resolve_name_done(ctx);
        ngx_leaseloft_peer_fail(peer, "host name could not be resolved");
        return;
    }

    server = &peer->server;
    server->socklen = ctx->addrs[0].socklen;

    ngx_memcpy(&server->sockaddr, ctx->addrs[0].sockaddr, server->socklen);
    ngx_inet_set_port(&server->sockaddr.sockaddr, server->port);

    ngx_resolve_name_done(ctx);

    ngx_leaseloft_peer_open(peer);
}


static void
ngx_leaseloft_peer_open(ngx_leaseloft_peer_t *peer)
{
    ngx_int_t               rc;
    ngx_connection_t       *c;
    ngx_peer_connection_t  *pc;

    peer->reader = redisReaderCreate();

    if (peer->reader == NULL
        || ngx_leaseloft_reader_attach(&peer->replies, peer->reader) != NGX_OK)
    {
        ngx_leaseloft_peer_fail(peer, "no memory");
        return;
    }

    peer->text.data = peer->text_data;
    peer->text.len = ngx_sock_ntop(&peer->server.sockaddr.sockaddr,
                                   peer->server.socklen, peer->text_data,
                                   NGX_SOCKADDR_STRLEN, 1);

    pc = &peer->peer;

    ngx_memzero(pc, sizeof(ngx_peer_connection_t));

    pc->sockaddr = &peer->server.sockaddr.sockaddr;
    pc->socklen = peer->server.socklen;
    pc->name = &peer->text;
    pc->get = ngx_event_get_peer;
    pc->log = peer->log;
    pc->log_error = NGX_ERROR_ERR;

    rc = ngx_event_connect_peer(pc);

    if (rc != NGX_OK && rc != NGX_AGAIN) {
        pc->connection = NULL;
        ngx_leaseloft_peer_fail(peer, "connect failed");
        return;
    }

    c = pc->connection;

    c->data = peer;
    c->log = peer->log;
    c->read->log = c->log;
    c->write->log = c->log;
    c->read->handler = ngx_leaseloft_peer_read_handler;
    c->write->handler = ngx_leaseloft_peer_write_handler;

    if (rc == NGX_OK) {
        ngx_leaseloft_peer_connected(peer);
    }
}


static void
ngx_leaseloft_peer_nodelay(ngx_leaseloft_peer_t *peer)
{
    int  nodelay;

    if (peer->server.sockaddr.sockaddr.sa_family == AF_UNIX) {
        return;
    }

    nodelay = 1;

    if (setsockopt(peer->peer.connection->fd, IPPROTO_TCP, TCP_NODELAY,
                   (const void *) &nodelay, sizeof(int)) == -1)
    {
        ngx_log_error(NGX_LOG_ERR, peer->log, ngx_socket_errno,
                      "setsockopt(TCP_NODELAY) of redis failed");
    }
}


/* TLS and commands begin */
static void
ngx_leaseloft_peer_connected(ngx_leaseloft_peer_t *peer)
{
    ngx_connection_t  *c;

    c = peer->peer.connection;

    peer->connected = 1;
    ngx_leaseloft_peer_nodelay(peer);

    if (!peer->conf->redis.tls) {
        ngx_leaseloft_peer_ready(peer);
        return;
    }

    if (ngx_leaseloft_tls_start(&peer->tls, c, &peer->conf->redis,
                                peer->server.host,
                                ngx_leaseloft_peer_handshaked)
        != NGX_OK)
    {
        ngx_leaseloft_peer_fail(peer, "TLS could not be set up");
    }
}


/* the first event of a socket: it is connected, or could not be */
static void
ngx_leaseloft_peer_test(ngx_leaseloft_peer_t *peer)
{
    int                err;
    socklen_t          len;
    ngx_connection_t  *c;

    c = peer->peer.connection;
    err = 0;
    len = sizeof(int);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    if (err) {
        ngx_log_error(NGX_LOG_ERR, peer->log, err,
                      "connect() to %V failed", &peer->text);
        ngx_leaseloft_peer_fail(peer, "connect failed");
        return;
    }

    ngx_leaseloft_peer_connected(peer);
}


static void
ngx_leaseloft_peer_handshaked(ngx_connection_t *c)
{
    char                   reason[NGX_LEASELOFT_PEER_WHY];
    ngx_leaseloft_peer_t  *peer;

    peer = c->data;

    if (ngx_leaseloft_tls_check(&peer->tls, c, reason, sizeof(reason))
        != NGX_OK)
    {
        ngx_leaseloft_peer_fail(peer, reason);
        return;
    }

    c->read->handler = ngx_leaseloft_peer_read_handler;
    c->write->handler = ngx_leaseloft_peer_write_handler;

    /* what came with the end of the handshake raises no event */

    ngx_post_event(c->read, &ngx_posted_events);

    ngx_leaseloft_peer_ready(peer);
}


static void
ngx_leaseloft_peer_send(ngx_leaseloft_peer_t *peer)
{
    ngx_connection_t  *c;

    c = peer->peer.connection;

    if (peer->open && c->write->ready
        && ngx_leaseloft_writer_send(&peer->writer, c) == NGX_ERROR)
    {
        ngx_leaseloft_peer_broken(peer, "write failed");
    }
}


static void
ngx_leaseloft_peer_ready(ngx_leaseloft_peer_t *peer)
{
    peer->open = 1;

    ngx_leaseloft_peer_send(peer);
}


void
ngx_leaseloft_peer_timeout(ngx_leaseloft_peer_t *peer, ngx_msec_t msec)
{
    if (peer->timer.timer_set) {
        ngx_del_timer(&peer->timer);
    }

    if (msec) {
        ngx_add_timer(&peer->timer, msec);
    }
}


void
ngx_leaseloft_peer_close(ngx_leaseloft_peer_t *peer)
{
    ngx_connection_t  *c;

    peer->connected = 0;
    peer->open = 0;
    peer->received = 0;

    ngx_leaseloft_writer_reset(&peer->writer);
    ngx_leaseloft_peer_timeout(peer, 0);

    if (peer->resolving) {
        ngx_resolve_name_done(peer->resolving);
        peer->resolving = NULL;
    }

    if (peer->flush.posted) {
        ngx_delete_posted_event(&peer->flush);
    }

    if (peer->reader) {
        redisReaderFree(peer->reader);
        peer->reader = NULL;
    }

    c = peer->peer.connection;

    if (c) {
        ngx_leaseloft_tls_close(c);
        ngx_close_connection(c);
        peer->peer.connection = NULL;
    }

    ngx_memzero(&peer->tls, sizeof(ngx_leaseloft_tls_t));
}


void
ngx_leaseloft_peer_fail(ngx_leaseloft_peer_t *peer, char *reason)
{
    ngx_log_error(NGX_LOG_ERR, peer->log, 0,
                  "redis %s connection closed: %s", peer->name, reason);

    (void) ngx_cpystrn((u_char *) peer->why, (u_char *) reason,
                       sizeof(peer->why));

    ngx_leaseloft_peer_close(peer);

    peer->handlers->closed(peer->data);
}


void
ngx_leaseloft_peer_refuse(ngx_leaseloft_peer_t *peer, char *error)
{
    char  reason[NGX_LEASELOFT_PEER_WHY];

    if (ngx_strncmp(error, "WRONGPASS ", 10) == 0) {
        error = "wrong password";

    } else if (ngx_strncmp(error, "NOAUTH ", 7) == 0) {
        error = "a password is required";
    }

    (void) ngx_snprintf((u_char *) reason, sizeof(reason), "refused: %s%Z",
                        error);
    reason[sizeof(reason) - 1] = '\0';

    ngx_leaseloft_peer_fail(peer, reason);
}


/* fails, for a better reason than the given one, if there is one */
static void
ngx_leaseloft_peer_broken(ngx_leaseloft_peer_t *peer, char *reason)
{
    char  why[NGX_LEASELOFT_PEER_WHY];

    if (ngx_leaseloft_tls_why(&peer->tls, why, sizeof(why))) {
        reason = why;

    } else if (!peer->received && !peer->conf->redis.tls
               && peer->server.host[0])
    {
        reason = "closed before any reply, is this a port for TLS?";
    }

    ngx_leaseloft_peer_fail(peer, reason);
}


ngx_int_t
ngx_leaseloft_peer_command(ngx_leaseloft_peer_t *peer, ngx_uint_t argc,
    ngx_str_t *argv)
{
    if (ngx_leaseloft_writer_append(&peer->writer, argc, argv) != NGX_OK) {
        return NGX_DECLINED;
    }

    ngx_leaseloft_peer_flush(peer);

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_peer_text(ngx_leaseloft_peer_t *peer, ngx_str_t *text)
{
    if (ngx_leaseloft_writer_text(&peer->writer, text) != NGX_OK) {
        return NGX_DECLINED;
    }

    ngx_leaseloft_peer_flush(peer);

    return NGX_OK;
}


/* sends what was appended, at the end of this iteration */
static void
ngx_leaseloft_peer_flush(ngx_leaseloft_peer_t *peer)
{
    if (peer->open && !peer->flush.posted) {
        ngx_post_event(&peer->flush, &ngx_posted_events);
    }
}


static void
ngx_leaseloft_peer_flush_handler(ngx_event_t *ev)
{
    ngx_leaseloft_peer_send(ev->data);
}


static void
ngx_leaseloft_peer_timer_handler(ngx_event_t *ev)
{
    ngx_leaseloft_peer_t  *peer;

    peer = ev->data;

    if (peer->resolving) {
        ngx_leaseloft_peer_fail(peer, "the lookup of the host timed out");

    } else if (!peer->connected) {
        ngx_leaseloft_peer_fail(peer, "connect timed out");

    } else if (!peer->open) {
        ngx_leaseloft_peer_fail(peer,
                                "the TLS handshake timed out, "
                                "is this a port for TLS?");

    } else {
        ngx_leaseloft_peer_fail(peer, "timed out");
    }
}


static void
ngx_leaseloft_peer_write_handler(ngx_event_t *wev)
{
    ngx_connection_t      *c;
    ngx_leaseloft_peer_t  *peer;

    c = wev->data;
    peer = c->data;

    if (!peer->connected) {
        ngx_leaseloft_peer_test(peer);
        return;
    }

    ngx_leaseloft_peer_send(peer);
}


static void
ngx_leaseloft_peer_read_handler(ngx_event_t *rev)
{
    ssize_t                n;
    u_char                 buf[16384];
    ngx_uint_t             number;
    ngx_connection_t      *c;
    ngx_leaseloft_peer_t  *peer;

    c = rev->data;
    peer = c->data;

    if (!peer->connected) {
        number = c->number;

        ngx_leaseloft_peer_test(peer);

        if (peer->peer.connection != c || c->number != number || !peer->open) {
            return;
        }
    }

    for ( ;; ) {
        n = c->recv(c, buf, sizeof(buf));

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == NGX_ERROR || n == 0) {
            ngx_leaseloft_peer_broken(peer, n == 0 ? "closed by redis"
                                                   : "read failed");
            return;
        }

        peer->received = 1;

        if (peer->reader->len - peer->reader->pos + n
            > NGX_LEASELOFT_PEER_INPUT_MAX)
        {
            ngx_leaseloft_peer_fail(peer, "reply too large");
            return;
        }

        if (redisReaderFeed(peer->reader, (char *) buf, n) != REDIS_OK) {
            ngx_leaseloft_peer_fail(peer, peer->reader->errstr);
            return;
        }

        if (ngx_leaseloft_peer_replies(peer) != NGX_OK) {
            return;
        }
    }

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_leaseloft_peer_fail(peer, "read failed");
    }
}


/* NGX_OK, or NGX_DONE: a callback closed the connection */
static ngx_int_t
ngx_leaseloft_peer_replies(ngx_leaseloft_peer_t *peer)
{
    char               reason[128];
    void              *reply;
    ngx_uint_t         number;
    ngx_connection_t  *c;

    c = peer->peer.connection;
    number = c->number;

    for ( ;; ) {
        if (redisReaderGetReply(peer->reader, &reply) != REDIS_OK) {
            ngx_cpystrn((u_char *) reason, (u_char *) peer->reader->errstr,
                        sizeof(reason));
            ngx_leaseloft_peer_fail(peer, reason);
            return NGX_DONE;
        }

        if (reply == NULL) {
            return NGX_OK;
        }

        peer->handlers->reply(peer->data, reply);

        ngx_leaseloft_reader_reset(&peer->replies);

        if (peer->peer.connection != c || c->number != number) {
            return NGX_DONE;
        }
    }
}
