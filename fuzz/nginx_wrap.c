
/*
 * Replacements of nginx functions that the module calls (ld's --wrap): sockets
 * that do not exist, and parts that are not tested.
 */


#include "nginx.h"

#include "ngx_leaseloft_zone.h"

#include <ngx_event.h>
#include <ngx_event_connect.h>


typedef struct {
    ngx_connection_t     connection;       /* first */
    ngx_event_t          read;
    ngx_event_t          write;
    fuzz_peer_t         *peer;
} fuzz_connection_t;


fuzz_peer_t  fuzz_peers[FUZZ_PEERS];

void       (*fuzz_sent)(fuzz_peer_t *peer, u_char *data, size_t len);


/* for the compiler: callers use the names without the prefix */

ngx_pool_t *__real_ngx_create_pool(size_t size, ngx_log_t *log);
ngx_pool_t *__wrap_ngx_create_pool(size_t size, ngx_log_t *log);
ngx_leaseloft_conn_t *__real_ngx_leaseloft_conn_create(
    ngx_leaseloft_main_conf_t *mcf, char *name,
    ngx_leaseloft_conn_handlers_t *handlers, void *data, ngx_pool_t *pool,
    ngx_log_t *log);
ngx_leaseloft_conn_t *__wrap_ngx_leaseloft_conn_create(
    ngx_leaseloft_main_conf_t *mcf, char *name,
    ngx_leaseloft_conn_handlers_t *handlers, void *data, ngx_pool_t *pool,
    ngx_log_t *log);
ngx_int_t __wrap_ngx_event_connect_peer(ngx_peer_connection_t *pc);
void __wrap_ngx_close_connection(ngx_connection_t *c);
ngx_int_t __wrap_ngx_handle_read_event(ngx_event_t *rev, ngx_uint_t flags);
ngx_int_t __wrap_ngx_handle_write_event(ngx_event_t *wev, size_t lowat);
ngx_int_t __wrap_ngx_leaseloft_stream_shrink(ngx_http_request_t *r,
    ngx_pool_t *pool);
void *__wrap_ngx_leaseloft_stream_hibernate_tables(
    ngx_leaseloft_process_t *process, ngx_http_request_t *r);
void __wrap_ngx_leaseloft_stream_shrink_ssl(ngx_http_request_t *r);
ngx_int_t __wrap_ngx_leaseloft_zone_stream_open(ngx_leaseloft_zone_t *zone,
    ngx_str_t *user, ngx_uint_t max, ngx_leaseloft_zone_kind_e kind);
void __wrap_ngx_leaseloft_zone_stream_close(ngx_leaseloft_zone_t *zone,
    ngx_str_t *user, ngx_leaseloft_zone_kind_e kind);


/*
 * A pool without room of its own allocates each object separately, so that
 * sanitizers see its bounds.
 */
ngx_pool_t *
__wrap_ngx_create_pool(size_t size, ngx_log_t *log)
{
    ngx_pool_t  *pool;

    pool = __real_ngx_create_pool(sizeof(ngx_pool_t), log);
    CHECK(pool != NULL && pool->max == 0);

    return pool;
}


/* connections to Redis */
static ssize_t
fuzz_recv(ngx_connection_t *c, u_char *buf, size_t size)
{
    fuzz_peer_t  *peer;

    peer = ((fuzz_connection_t *) c)->peer;
    size = ngx_min(size, peer->in_len);

    if (size == 0) {
        return NGX_AGAIN;
    }

    ngx_memcpy(buf, peer->in, size);
    peer->in += size;
    peer->in_len -= size;

    return size;
}


static ssize_t
fuzz_send(ngx_connection_t *c, u_char *buf, size_t size)
{
    if (fuzz_sent) {
        fuzz_sent(((fuzz_connection_t *) c)->peer, buf, size);
    }

    return size;
}


void
fuzz_receive(fuzz_peer_t *peer, const u_char *data, size_t len)
{
    ngx_event_t  *rev;

    if (peer->connection == NULL) {
        return;
    }

    peer->in = data;
    peer->in_len = len;

    rev = peer->connection->read;
    rev->handler(rev);

    peer->in_len = 0;
}


ngx_leaseloft_conn_t *
__wrap_ngx_leaseloft_conn_create(ngx_leaseloft_main_conf_t *mcf, char *name,
    ngx_leaseloft_conn_handlers_t *handlers, void *data, ngx_pool_t *pool,
    ngx_log_t *log)
{
    ngx_uint_t             i;
    ngx_leaseloft_conn_t  *redis;

    redis = __real_ngx_leaseloft_conn_create(mcf, name, handlers, data, pool,
                                             log);

    i = ngx_strcmp(name, "command") == 0 ? FUZZ_COMMAND : FUZZ_SUBSCRIPTION;
    fuzz_peers[i].redis = redis;

    return redis;
}


/* pc is a member of the structure created for its connection */
static fuzz_peer_t *
fuzz_peer(ngx_peer_connection_t *pc)
{
    u_char      *at[FUZZ_PEERS];
    ngx_uint_t   i;

    for (i = 0; i < FUZZ_PEERS; i++) {
        at[i] = (u_char *) fuzz_peers[i].redis;
    }

    i = at[FUZZ_COMMAND] > at[FUZZ_SUBSCRIPTION] ? FUZZ_COMMAND
                                                 : FUZZ_SUBSCRIPTION;

    return &fuzz_peers[(u_char *) pc > at[i] ? i : 1 - i];
}


ngx_int_t
__wrap_ngx_event_connect_peer(ngx_peer_connection_t *pc)
{
    fuzz_peer_t        *peer;
    ngx_connection_t   *c;
    fuzz_connection_t  *fc;

    static ngx_atomic_uint_t  number;

    peer = fuzz_peer(pc);
    CHECK(peer->connection == NULL);

    fc = calloc(1, sizeof(fuzz_connection_t));
    CHECK(fc != NULL);

    fc->peer = peer;

    c = &fc->connection;
    c->fd = (ngx_socket_t) -1;
    c->number = ++number;
    c->read = &fc->read;
    c->write = &fc->write;
    c->read->data = c;
    c->write->data = c;
    c->write->write = 1;
    c->write->ready = 1;
    c->recv = fuzz_recv;
    c->send = fuzz_send;

    pc->connection = c;
    peer->connection = c;
    peer->fresh = 1;

    return NGX_OK;
}


void
__wrap_ngx_close_connection(ngx_connection_t *c)
{
    if (c->read->timer_set) {
        ngx_del_timer(c->read);
    }

    if (c->write->timer_set) {
        ngx_del_timer(c->write);
    }

    ((fuzz_connection_t *) c)->peer->connection = NULL;

    free(c);
}


ngx_int_t
__wrap_ngx_handle_read_event(ngx_event_t *rev, ngx_uint_t flags)
{
    return NGX_OK;
}


ngx_int_t
__wrap_ngx_handle_write_event(ngx_event_t *wev, size_t lowat)
{
    return NGX_OK;
}


/* freed parts of streams, and the shared zone, are not checked */
ngx_int_t
__wrap_ngx_leaseloft_stream_shrink(ngx_http_request_t *r, ngx_pool_t *pool)
{
    return NGX_DECLINED;
}


void *
__wrap_ngx_leaseloft_stream_hibernate_tables(ngx_leaseloft_process_t *process,
    ngx_http_request_t *r)
{
    return NULL;
}


void
__wrap_ngx_leaseloft_stream_shrink_ssl(ngx_http_request_t *r)
{
}


ngx_int_t
__wrap_ngx_leaseloft_zone_stream_open(ngx_leaseloft_zone_t *zone,
    ngx_str_t *user, ngx_uint_t max, ngx_leaseloft_zone_kind_e kind)
{
    return NGX_OK;
}


void
__wrap_ngx_leaseloft_zone_stream_close(ngx_leaseloft_zone_t *zone,
    ngx_str_t *user, ngx_leaseloft_zone_kind_e kind)
{
}
