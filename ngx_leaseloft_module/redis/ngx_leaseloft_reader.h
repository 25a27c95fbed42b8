
/*
 * Memory of the replies that hiredis parses: one pool, reset after each reply,
 * which saves two allocations for each string.
 */


#ifndef NGX_LEASELOFT_READER_H
#define NGX_LEASELOFT_READER_H


#include "ngx_leaseloft.h"


typedef struct {
    ngx_pool_t                 *pool;      /* NULL: no memory */
    ngx_log_t                  *log;
    redisReplyObjectFunctions   functions;
} ngx_leaseloft_reader_t;


/* initializes replies, which is freed with pool; NGX_OK or NGX_ERROR */
ngx_int_t ngx_leaseloft_reader_init(ngx_leaseloft_reader_t *replies,
    ngx_pool_t *pool, ngx_log_t *log);

/* makes reader allocate its replies here; NGX_OK or NGX_ERROR */
ngx_int_t ngx_leaseloft_reader_attach(ngx_leaseloft_reader_t *replies,
    redisReader *reader);

/* frees all replies, and any part of a reply that was read */
void ngx_leaseloft_reader_reset(ngx_leaseloft_reader_t *replies);


#endif /* NGX_LEASELOFT_READER_H */
