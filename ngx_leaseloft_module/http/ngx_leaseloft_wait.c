
/*
 * Requests that wait: for Redis, for a worker, for a limit.
 *
 * A hold is found through the request's list of cleanups, which nginx runs
 * when it terminates or frees the request; so there is no path on which a hold
 * outlives its request.  Its timer keeps a process that is shutting down from
 * leaving before the request is answered.
 */


#include "ngx_leaseloft_wait.h"


typedef struct {
    ngx_http_request_t         *request;
    void                      (*expired)(void *data);
    void                      (*gone)(void *data);
    void                       *data;
    ngx_event_t                 timer;
} ngx_leaseloft_hold_t;


static ngx_http_cleanup_t *ngx_leaseloft_hold_find(ngx_http_request_t *r);
static void ngx_leaseloft_hold_cleanup(void *data);
static void ngx_leaseloft_hold_timer(ngx_event_t *ev);
static void ngx_leaseloft_hold_write(ngx_http_request_t *r);


ngx_int_t
ngx_leaseloft_hold(ngx_http_request_t *r, void (*gone)(void *data), void *data)
{
    return ngx_leaseloft_hold_for(r, NGX_LEASELOFT_HOLD, NULL, gone, data);
}


ngx_int_t
ngx_leaseloft_hold_for(ngx_http_request_t *r, ngx_msec_t limit,
    void (*expired)(void *data), void (*gone)(void *data), void *data)
{
    if (ngx_leaseloft_watch(r, limit, expired, gone, data) != NGX_OK) {
        return NGX_ERROR;
    }

    r->main->count++;

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_watch(ngx_http_request_t *r, ngx_msec_t limit,
    void (*expired)(void *data), void (*gone)(void *data), void *data)
{
    ngx_event_t           *rev;
    ngx_http_cleanup_t    *cln;
    ngx_leaseloft_hold_t  *hold;

    cln = ngx_http_cleanup_add(r, 0);
    hold = ngx_pcalloc(r->pool, sizeof(ngx_leaseloft_hold_t));

    if (cln == NULL || hold == NULL) {
        return NGX_ERROR;
    }

    rev = r->connection->read;

    /*
     * what came while nobody looked, a close among it, raises no event any
     * more: look once
     */
    if (rev->ready || rev->pending_eof || r->connection->error) {
        ngx_post_event(rev, &ngx_posted_events);

    } else if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    hold->request = r;
    hold->expired = expired;
    hold->gone = gone;
    hold->data = data;

    hold->timer.handler = ngx_leaseloft_hold_timer;
    hold->timer.data = hold;
    hold->timer.log = r->connection->log;

    cln->handler = ngx_leaseloft_hold_cleanup;
    cln->data = hold;

    /* a body that is being discarded has a handler that sees a close, too */
    if (!r->discard_body) {
        r->read_event_handler = ngx_http_test_reading;
    }

    r->write_event_handler = ngx_leaseloft_hold_write;

    ngx_add_timer(&hold->timer, limit);

    return NGX_OK;
}


void
ngx_leaseloft_release(ngx_http_request_t *r)
{
    ngx_http_cleanup_t    *cln;
    ngx_leaseloft_hold_t  *hold;

    cln = ngx_leaseloft_hold_find(r);
    if (cln == NULL) {
        return;
    }

    hold = cln->data;
    cln->handler = NULL;

    if (hold->timer.timer_set) {
        ngx_del_timer(&hold->timer);
    }
}


static ngx_http_cleanup_t *
ngx_leaseloft_hold_find(ngx_http_request_t *r)
{
    ngx_http_cleanup_t  *cln;

    for (cln = r->main->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_leaseloft_hold_cleanup) {
            return cln;
        }
    }

    return NULL;
}


static void
ngx_leaseloft_hold_cleanup(void *data)
{
    ngx_leaseloft_hold_t  *hold = data;

    if (hold->timer.timer_set) {
        ngx_del_timer(&hold->timer);
    }

    hold->gone(hold->data);
}


static void
ngx_leaseloft_hold_timer(ngx_event_t *ev)
{
    ngx_http_request_t    *r;
    ngx_leaseloft_hold_t  *hold;

    hold = ev->data;
    r = hold->request;

    ngx_leaseloft_release(r);

    if (hold->expired) {
        hold->expired(hold->data);
        return;
    }

    hold->gone(hold->data);

    ngx_leaseloft_finalize(r, NGX_HTTP_SERVICE_UNAVAILABLE);
}


/* an HTTP/2 stream may learn of its end from its write event */
static void
ngx_leaseloft_hold_write(ngx_http_request_t *r)
{
    if (r->connection->error) {
        ngx_http_finalize_request(r, NGX_HTTP_CLIENT_CLOSED_REQUEST);
    }
}


void
ngx_leaseloft_finalize(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_connection_t  *c;

    c = r->connection;

    ngx_leaseloft_release(r);

    ngx_http_finalize_request(r, rc);

    ngx_http_run_posted_requests(c);
}
