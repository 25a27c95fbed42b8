
/*
 * Requests that wait for Redis: kept alive, and told when their client leaves
 * or their time is over.
 */


#ifndef NGX_LEASELOFT_WAIT_H
#define NGX_LEASELOFT_WAIT_H


#include "ngx_leaseloft.h"


/*
 * Keeps r alive while its handler waits for Redis: counts it, and watches the
 * client.  on_close(data) is called when the client closed the connection or
 * the request is freed first, at most once, and not after
 * ngx_leaseloft_wait_finalize().  The wait ends after NGX_LEASELOFT_WAIT_TIME
 * ms, with on_close(data) and a 503.
 */
ngx_int_t ngx_leaseloft_wait(ngx_http_request_t *r,
    void (*on_close)(void *data), void *data);

/*
 * The same with a limit of the caller's, in ms.  After it the wait ends, and
 * on_timeout(data) is called in place of on_close: it answers the request.
 * Where on_timeout is NULL, on_close is called and the answer is a 503.
 *
 * The usual limit is more than the client needs to find out that Redis is
 * down.
 */
#define NGX_LEASELOFT_WAIT_TIME  10000

ngx_int_t ngx_leaseloft_wait_for(ngx_http_request_t *r, ngx_msec_t limit,
    void (*on_timeout)(void *data), void (*on_close)(void *data), void *data);

/*
 * watches the client as a wait does, but does not count the request: for
 * phase handlers that return NGX_AGAIN
 */
ngx_int_t ngx_leaseloft_wait_in_phase(ngx_http_request_t *r, ngx_msec_t limit,
    void (*on_timeout)(void *data), void (*on_close)(void *data), void *data);

/* ends wait or watch: neither on_close nor on_timeout will be called */
void ngx_leaseloft_wait_end(ngx_http_request_t *r);

/*
 * Ends a request that its handler held (NGX_DONE after r->main->count++):
 * finalizes it with rc and runs what that posted.  For callbacks from Redis
 * and from timers.
 */
void ngx_leaseloft_wait_finalize(ngx_http_request_t *r, ngx_int_t rc);


#endif /* NGX_LEASELOFT_WAIT_H */
