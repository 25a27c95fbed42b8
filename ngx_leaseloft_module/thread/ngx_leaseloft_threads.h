
/*
 * Threads as a user's inbox shows them: the replies of ll1_thread
 * (docs/data.md) for some properties, which are asked for together.
 */


#ifndef NGX_LEASELOFT_THREADS_H
#define NGX_LEASELOFT_THREADS_H


#include "ngx_leaseloft_cluster.h"


typedef struct ngx_leaseloft_threads_s  ngx_leaseloft_threads_t;


/*
 * Called once, unless cancelled, and never from within
 * ngx_leaseloft_threads_ask(): rc is NGX_OK, or NGX_ERROR if Redis did not
 * answer all.  The handler may destroy the pool.
 */
typedef void (*ngx_leaseloft_threads_pt)(void *data, ngx_int_t rc);


/*
 * Asks for the threads of n properties, at least one, as that user's inbox
 * shows them.  All memory is in the pool, which must last until the handler has
 * been called or the threads have been cancelled.  NULL: they cannot be asked
 * for now.
 */
ngx_leaseloft_threads_t *ngx_leaseloft_threads_ask(
    ngx_leaseloft_cluster_t *cluster, ngx_pool_t *pool, ngx_str_t *user,
    ngx_str_t *properties, ngx_uint_t n, ngx_leaseloft_threads_pt handler,
    void *data);

/*
 * The thread of property i (from 0), as JSON without the closing brace; empty
 * if the user may see nothing of it, or if it is damaged, which is logged.
 */
ngx_str_t *ngx_leaseloft_threads_get(ngx_leaseloft_threads_t *threads,
    ngx_uint_t i);

/* the handler will not be called */
void ngx_leaseloft_threads_cancel(ngx_leaseloft_threads_t *threads);


#endif /* NGX_LEASELOFT_THREADS_H */
