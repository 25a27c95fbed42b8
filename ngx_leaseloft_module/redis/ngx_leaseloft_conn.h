
/*
 * One connection to Redis over nginx's own sockets: hiredis formats commands
 * and reads replies, nginx connects, resolves, reads, writes and times.
 *
 * A connection greets (AUTH, PING, a write that changes nothing) before it is
 * ready, which it never is to a read-only replica.  Whatever ends it, a
 * malformed reply too, ends in the closed callback; the owner then connects
 * again when it likes.
 */


#ifndef NGX_LEASELOFT_CONN_H
#define NGX_LEASELOFT_CONN_H


#include "ngx_leaseloft.h"


typedef struct ngx_leaseloft_conn_s  ngx_leaseloft_conn_t;


typedef struct {
    void                    (*ready)(void *data);
    /* reply is there until this returns; it may close the connection */
    void                    (*reply)(void *data, redisReply *reply);
    void                    (*closed)(void *data);
} ngx_leaseloft_conn_handlers_t;


/* name is for the log: "command" or "subscription" */
ngx_leaseloft_conn_t *ngx_leaseloft_conn_create(
    ngx_leaseloft_main_conf_t *mcf, char *name,
    ngx_leaseloft_conn_handlers_t *handlers, void *data, ngx_pool_t *pool,
    ngx_log_t *log);

/* starts to connect; ends in ready or closed, which may be called at once */
void ngx_leaseloft_conn_connect(ngx_leaseloft_conn_t *redis);

/* closes what there is; the closed callback is not called */
void ngx_leaseloft_conn_close(ngx_leaseloft_conn_t *redis);

/* closes it for a reason that is logged, and calls back */
void ngx_leaseloft_conn_fail(ngx_leaseloft_conn_t *redis, char *reason);

/*
 * Appends a command; its bytes are copied, and leave at the end of this turn
 * of the event loop, or, before the connection is ready, behind the greeting.
 * NGX_DECLINED: there is no connection, or too much is waiting.
 */
ngx_int_t ngx_leaseloft_conn_command(ngx_leaseloft_conn_t *redis,
    ngx_uint_t argc, ngx_str_t *argv);

/*
 * The arguments of a write that changes nothing: Redis answers it with nil, or
 * with the reason why it takes no writes.  The channel's name is that of a key
 * that never is.
 */
#define NGX_LEASELOFT_CONN_PROBE_ARGS  6
void ngx_leaseloft_conn_write_probe(ngx_str_t *argv, ngx_str_t *channel);

/* 1 for the answer of a read-only replica to a write */
ngx_uint_t ngx_leaseloft_conn_demoted(redisReply *reply);

/* why it was closed the last time, "" for never; the size of that */
#define NGX_LEASELOFT_CONN_WHY  160

char *ngx_leaseloft_conn_why(ngx_leaseloft_conn_t *redis);

/* closes it, as Redis refused what it was asked in these words */
void ngx_leaseloft_conn_refuse(ngx_leaseloft_conn_t *redis, char *words);

/* 1 between the ready and the closed callback */
ngx_uint_t ngx_leaseloft_conn_ready(ngx_leaseloft_conn_t *redis);


#endif /* NGX_LEASELOFT_CONN_H */
