
/*
 * One connection to Redis (ngx_leaseloft_peer.h), which sends a greeting
 * (ngx_leaseloft_greeting.h) before it is ready.  Any failure, a malformed
 * reply included, ends in the closed callback; the owner then reconnects.
 */


#ifndef NGX_LEASELOFT_CONN_H
#define NGX_LEASELOFT_CONN_H


#include "ngx_leaseloft_sentinel.h"


typedef struct ngx_leaseloft_conn_s  ngx_leaseloft_conn_t;


typedef struct {
    void                    (*ready)(void *data);
    /* reply is valid during the call, which may close the connection */
    void                    (*reply)(void *data, redisReply *reply);
    void                    (*closed)(void *data);
} ngx_leaseloft_conn_handlers_t;


/*
 * Creates a connection in pool, not yet connected; name is for the log:
 * "command" or "subscription".  NULL: no memory.
 */
ngx_leaseloft_conn_t *ngx_leaseloft_conn_create(
    ngx_leaseloft_main_conf_t *mcf, char *name,
    ngx_leaseloft_conn_handlers_t *handlers, void *data, ngx_pool_t *pool,
    ngx_log_t *log);

/*
 * In a cluster: makes it connect to server, which must outlive it; the layout
 * of the data is that beside queue.
 */
void ngx_leaseloft_conn_lead(ngx_leaseloft_conn_t *redis,
    ngx_leaseloft_server_t *server, ngx_uint_t queue);

/* makes it ask sentinel for the server, before each attempt to connect */
void ngx_leaseloft_conn_follow(ngx_leaseloft_conn_t *redis,
    ngx_leaseloft_sentinel_t *sentinel);

/* fails a connection to, or an attempt to connect to, another server */
void ngx_leaseloft_conn_moved(ngx_leaseloft_conn_t *redis,
    ngx_leaseloft_server_t *server);

/* connects, then calls ready or closed; closed possibly before it returns */
void ngx_leaseloft_conn_connect(ngx_leaseloft_conn_t *redis);

/* closes the connection; the closed callback is not called */
void ngx_leaseloft_conn_close(ngx_leaseloft_conn_t *redis);

/* logs the reason, closes the connection and calls the closed callback */
void ngx_leaseloft_conn_fail(ngx_leaseloft_conn_t *redis, char *reason);

/*
 * Appends a command; its bytes are copied, and sent at the end of this
 * iteration of the event loop, or after the greeting while that is pending.
 * NGX_OK, or NGX_DECLINED: not connected, the buffer is full or no memory.
 */
ngx_int_t ngx_leaseloft_conn_command(ngx_leaseloft_conn_t *redis,
    ngx_uint_t argc, ngx_str_t *argv);

/* the same for a command that ngx_leaseloft_writer_format() has formatted */
ngx_int_t ngx_leaseloft_conn_text(ngx_leaseloft_conn_t *redis,
    ngx_str_t *text);

/* why the connection was closed last; "" if it never was */
char *ngx_leaseloft_conn_why(ngx_leaseloft_conn_t *redis);

/* fails the connection with an error reply of Redis as the reason */
void ngx_leaseloft_conn_refuse(ngx_leaseloft_conn_t *redis, char *error);

/* 1 between the ready and the closed callback */
ngx_uint_t ngx_leaseloft_conn_ready(ngx_leaseloft_conn_t *redis);


#endif /* NGX_LEASELOFT_CONN_H */
