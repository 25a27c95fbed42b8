
/*
 * Requests that wait for Redis: kept alive, and told when their client leaves
 * or their time is over.
 */


#ifndef NGX_LEASELOFT_WAIT_H
#define NGX_LEASELOFT_WAIT_H


#include "ngx_leaseloft.h"


/*
 * Keeps r alive while its handler waits for Redis: counts it, and watches the
 * client.  gone(data) is called when the client went away or the request is
 * freed first, at most once, and not after ngx_leaseloft_finalize().
 */
ngx_int_t ngx_leaseloft_hold(ngx_http_request_t *r, void (*gone)(void *data),
    void *data);

/*
 * The same with a limit in ms of one's own.  When it is over, the hold ends,
 * and expired(data) is called in place of gone: it is to answer.  Holds of the
 * form above end after NGX_LEASELOFT_HOLD ms, which is more than the link
 * needs to find out that Redis is gone, with gone(data) and a 503; so do those
 * for which expired is NULL.
 */
#define NGX_LEASELOFT_HOLD  10000

ngx_int_t ngx_leaseloft_hold_for(ngx_http_request_t *r, ngx_msec_t limit,
    void (*expired)(void *data), void (*gone)(void *data), void *data);

/*
 * watches the client as a hold does, but does not count the request: for
 * phase handlers that return NGX_AGAIN
 */
ngx_int_t ngx_leaseloft_watch(ngx_http_request_t *r, ngx_msec_t limit,
    void (*expired)(void *data), void (*gone)(void *data), void *data);

/* ends hold or watch: neither gone nor expired will be called */
void ngx_leaseloft_release(ngx_http_request_t *r);

/*
 * Ends a request that its handler held (NGX_DONE after r->main->count++):
 * finalizes it with rc and runs what that posted.  For callbacks from Redis
 * and from timers.
 */
void ngx_leaseloft_finalize(ngx_http_request_t *r, ngx_int_t rc);


#endif /* NGX_LEASELOFT_WAIT_H */
