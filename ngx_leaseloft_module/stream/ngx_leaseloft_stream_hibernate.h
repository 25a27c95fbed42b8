
/*
 * Frees memory of idle requests: the request's first pool, and the tables of
 * contexts and variables, which are unused until the request ends.
 */


#ifndef NGX_LEASELOFT_STREAM_HIBERNATE_H
#define NGX_LEASELOFT_STREAM_HIBERNATE_H


#include "ngx_leaseloft.h"


/* bytes that hibernation needs in a stream's pool */
#define NGX_LEASELOFT_STREAM_HIBERNATE_ROOM  112


/*
 * Returns the tables that all hibernated requests of a process share: zeros,
 * which are read-only.  The first call creates them; NULL: out of memory.
 */
void *ngx_leaseloft_stream_hibernate_tables(ngx_leaseloft_process_t *process,
    ngx_http_request_t *r);

/*
 * Hibernates a request after ngx_leaseloft_stream_shrink(), if only its stream
 * uses its pool.  Then pool, which the only cleanup of the request's pool
 * destroys, replaces the request's pool, and memory of the latter must not be
 * used any more.  empty are the shared tables.  Otherwise, or if memory is
 * exhausted, the request is unchanged.
 */
void ngx_leaseloft_stream_hibernate(ngx_http_request_t *r, ngx_pool_t *pool,
    ngx_leaseloft_ctx_t *ctx, void *empty);

/*
 * Restores the tables of a request; called before the request is finalized.  If
 * nginx ends the request, a cleanup restores them.  Does nothing to a request
 * that is not hibernated.
 */
void ngx_leaseloft_stream_hibernate_end(ngx_http_request_t *r);


#endif /* NGX_LEASELOFT_STREAM_HIBERNATE_H */
