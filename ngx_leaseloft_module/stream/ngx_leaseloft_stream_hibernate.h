
/*
 * A request that is silent for days, folded up: without the pool that it began
 * with, and without the tables that nobody looks into until it ends.
 */


#ifndef NGX_LEASELOFT_STREAM_HIBERNATE_H
#define NGX_LEASELOFT_STREAM_HIBERNATE_H


#include "ngx_leaseloft.h"


/* in a pool that is to become a request's, room for what is kept of the rest */
#define NGX_LEASELOFT_STREAM_HIBERNATE_ROOM  112


/*
 * What the requests of a process have in place of their tables: zeros, which
 * cannot be written to.  Made for the first one; NULL: no memory.
 */
void *ngx_leaseloft_stream_hibernate_tables(ngx_leaseloft_process_t *process,
    ngx_http_request_t *r);

/*
 * Hibernates a request after ngx_leaseloft_stream_shrink(), if nobody but its
 * stream has anything in its pool: pool, with the only cleanup that the
 * request's has, becomes the request's.  Otherwise, or without memory, the
 * request stays as it is.  What is in the request's pool must not be used
 * after it.
 */
void ngx_leaseloft_stream_hibernate(ngx_http_request_t *r, ngx_pool_t *pool,
    ngx_leaseloft_ctx_t *ctx, void *empty);

/*
 * The tables are there again; to be called before the request is finalized.
 * For one that nginx ends by itself a cleanup does it.
 */
void ngx_leaseloft_stream_hibernate_end(ngx_http_request_t *r);


#endif /* NGX_LEASELOFT_STREAM_HIBERNATE_H */
