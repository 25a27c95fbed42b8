
/*
 * What a reader may see of a thread when their record begins: the reply of
 * ll1_record (docs/data.md), and what is read from entries for it.
 */


#ifndef NGX_LEASELOFT_WINDOW_H
#define NGX_LEASELOFT_WINDOW_H


#include "ngx_leaseloft.h"

#include "common/record.h"


/* strings are in the pool */
typedef struct {
    uint64_t                    first;     /* entry, from 1 */
    uint64_t                    last;      /* first - 1 if there are none */
    ngx_uint_t                  closed;    /* 1: nothing is added to it */
    ngx_str_t                   role;
    ngx_str_t                   label;     /* JSON */
    ngx_str_t                   zone;
    ngx_str_t                   reader;    /* JSON */
    ngx_str_t                   newest;    /* id of the last mark, or empty */
} ngx_leaseloft_window_t;


/*
 * Parses the reply.  Returns NGX_OK; NGX_AGAIN if the reader is named only by
 * the last entry, a reply with which is then passed to
 * ngx_leaseloft_window_party(); NGX_DECLINED if there is nothing to see; or
 * NGX_ERROR if the reply is malformed or memory is exhausted.
 */
ngx_int_t ngx_leaseloft_window_parse(ngx_leaseloft_window_t *window,
    redisReply *reply, ngx_pool_t *pool);

/* Sets window->reader from the last entry: NGX_OK or NGX_ERROR. */
ngx_int_t ngx_leaseloft_window_party(ngx_leaseloft_window_t *window,
    redisReply *reply, ngx_str_t *user, ngx_pool_t *pool);

/*
 * Sets the hash before the first entry, from a reply with the entry before it;
 * of a lost one, the hash stays as it is.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_window_base(ngx_leaseloft_window_t *window,
    redisReply *reply, u_char hash[LL_RECORD_HASH], ngx_log_t *log);


#endif /* NGX_LEASELOFT_WINDOW_H */
