
/*
 * The greeting of a connection to Redis: AUTH, PING, HELLO unless the URL is
 * that of a cluster, GET of the layout of the data, and a write probe, sent at
 * once.  A Redis that refuses the password, that loads, that is one of a
 * cluster although the URL is not, that has data of another layout, or that is
 * a read-only replica is not used.
 */


#ifndef NGX_LEASELOFT_GREETING_H
#define NGX_LEASELOFT_GREETING_H


#include "ngx_leaseloft_writer.h"


typedef struct {
    ngx_uint_t                  left;      /* replies to come */
    ngx_uint_t                  hello;     /* 1: that of HELLO among them */
} ngx_leaseloft_greeting_t;


/*
 * Appends the commands to writer; in a cluster, the layout is that beside
 * queue.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_greeting_start(ngx_leaseloft_greeting_t *greeting,
    ngx_leaseloft_writer_t *writer, ngx_leaseloft_redis_conf_t *rcf,
    ngx_uint_t queue);

/*
 * Takes the next reply.  NGX_OK: it was the last one, the connection is ready;
 * NGX_AGAIN: there are more; NGX_DECLINED: it is an error, in reply, which
 * never has a password; NGX_ERROR: the connection cannot be used, with the
 * reason in the size bytes at reason.
 */
ngx_int_t ngx_leaseloft_greeting_reply(ngx_leaseloft_greeting_t *greeting,
    redisReply *reply, char *reason, size_t size);


#endif /* NGX_LEASELOFT_GREETING_H */
