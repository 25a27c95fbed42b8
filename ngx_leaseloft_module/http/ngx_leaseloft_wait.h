
/*
 * Requests that wait for Redis: they are kept alive, and a callback is called
 * when the client closes the connection or the wait times out.
 */


#ifndef NGX_LEASELOFT_WAIT_H
#define NGX_LEASELOFT_WAIT_H


#include "ngx_leaseloft.h"


/*
 * Keeps r alive (r->main->count++) while its handler waits for Redis, and
 * watches the client.  on_close(data) is called at most once, when the client
 * closes the connection, the request is freed, or after NGX_LEASELOFT_WAIT_TIME
 * ms, when a 503 is sent; not after ngx_leaseloft_wait_end() or _finalize().
 * NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_wait(ngx_http_request_t *r,
    void (*on_close)(void *data), void *data);

/* the default limit in ms: more than the client needs to detect a lost Redis */
#define NGX_LEASELOFT_WAIT_TIME  10000

/*
 * The same, with a limit in ms.  When it expires, the wait ends and
 * on_timeout(data), which answers the request, is called instead of on_close.
 * If on_timeout is NULL, on_close is called and a 503 is sent.
 */
ngx_int_t ngx_leaseloft_wait_for(ngx_http_request_t *r, ngx_msec_t limit,
    void (*on_timeout)(void *data), void (*on_close)(void *data), void *data);

/*
 * The same without r->main->count++, for phase handlers that return NGX_AGAIN.
 */
ngx_int_t ngx_leaseloft_wait_in_phase(ngx_http_request_t *r, ngx_msec_t limit,
    void (*on_timeout)(void *data), void (*on_close)(void *data), void *data);

/* ends the wait: neither on_close nor on_timeout will be called */
void ngx_leaseloft_wait_end(ngx_http_request_t *r);

/*
 * Ends the wait, finalizes the request with rc and runs posted requests.  For
 * callbacks from Redis and timers, after the handler returned NGX_DONE.
 */
void ngx_leaseloft_wait_finalize(ngx_http_request_t *r, ngx_int_t rc);

/*
 * The same with the result of next(data), a content handler which may wait
 * again.
 */
void ngx_leaseloft_wait_continue(ngx_http_request_t *r,
    ngx_int_t (*next)(void *data), void *data);


#endif /* NGX_LEASELOFT_WAIT_H */
