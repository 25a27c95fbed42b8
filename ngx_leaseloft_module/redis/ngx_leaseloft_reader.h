
/*
 * Where the replies that hiredis reads are put together: in one pool, which is
 * emptied after each reply, so that a reply of a hundred strings is not two
 * hundred allocations.
 */


#ifndef NGX_LEASELOFT_READER_H
#define NGX_LEASELOFT_READER_H


#include "ngx_leaseloft.h"


typedef struct {
    ngx_pool_t                 *pool;      /* NULL: none could be had */
    ngx_log_t                  *log;
    redisReplyObjectFunctions   functions;
} ngx_leaseloft_reader_t;


/* replies is freed with pool; NGX_OK or NGX_ERROR */
ngx_int_t ngx_leaseloft_reader_init(ngx_leaseloft_reader_t *replies,
    ngx_pool_t *pool, ngx_log_t *log);

/* from now on reader makes its replies here; NGX_OK or NGX_ERROR */
ngx_int_t ngx_leaseloft_reader_attach(ngx_leaseloft_reader_t *replies,
    redisReader *reader);

/* all replies, and what has been read of a further one, are no more */
void ngx_leaseloft_reader_reset(ngx_leaseloft_reader_t *replies);


#endif /* NGX_LEASELOFT_READER_H */
