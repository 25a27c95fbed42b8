
/*
 * Requests that wait: for Redis, for a worker, for a limit.
 *
 * A wait is allocated in the request's pool and is one of its cleanups, which
 * nginx runs when it terminates or frees the request, so that a wait never
 * outlives its request.  Its timer delays the exit of a process until the
 * request is answered.
 */


#include "ngx_leaseloft_wait.h"


typedef struct {
    ngx_http_request_t         *request;
    void                        (*on_timeout)(void *data);
    void                        (*on_close)(void *data);
    void                       *data;
    ngx_event_t                 timer;
} ngx_leaseloft_wait_t;


static ngx_http_cleanup_t *ngx_leaseloft_wait_find(ngx_http_request_t *r);
static void ngx_leaseloft_wait_cleanup(void *data);
static void ngx_leaseloft_wait_timer(ngx_event_t *ev);
static void ngx_leaseloft_wait_write(ngx_http_request_t *r);


ngx_int_t
ngx_leaseloft_wait(ngx_http_request_t *r, void (*on_close)(void *data),
    void *data)
{
    return ngx_leaseloft_wait_for(r, NGX_LEASELOFT_WAIT_TIME, NULL, on_close,
                                  data);
}


ngx_int_t
ngx_leaseloft_wait_for(ngx_http_request_t *r, ngx_msec_t limit,
    void (*on_timeout)(void *data), void (*on_close)(void *data), void *data)
{
    if (ngx_leaseloft_wait_in_phase(r, limit, on_timeout, on_close, data)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    r->main->count++;

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_wait_in_phase(ngx_http_request_t *r, ngx_msec_t limit,
    void (*on_timeout)(void *data), void (*on_close)(void *data), void *data)
{
    ngx_event_t           *rev;
    ngx_http_cleanup_t    *cln;
    ngx_leaseloft_wait_t  *wait;

    cln = ngx_http_cleanup_add(r, 0);
    wait = ngx_pcalloc(r->pool, sizeof(ngx_leaseloft_wait_t));

    if (cln == NULL || wait == NULL) {
        return NGX_ERROR;
    }

    rev = r->connection->read;

    /*
     * what was received before this handler was set, a close for example,
     * raises no further event: check once
     */
    if (rev->ready || rev->pending_eof || r->connection->error) {
        ngx_post_event(rev, &ngx_posted_events);

    } else if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    wait->request = r;
    wait->on_timeout = on_timeout;
    wait->on_close = on_close;
    wait->data = data;

    wait->timer.handler = ngx_leaseloft_wait_timer;
    wait->timer.data = wait;
    wait->timer.log = r->connection->log;

    cln->handler = ngx_leaseloft_wait_cleanup;
    cln->data = wait;

    /* nginx's handler that discards a body detects a close, too */
    if (!r->discard_body) {
        r->read_event_handler = ngx_http_test_reading;
    }

    r->write_event_handler = ngx_leaseloft_wait_write;

    ngx_add_timer(&wait->timer, limit);

    return NGX_OK;
}


void
ngx_leaseloft_wait_end(ngx_http_request_t *r)
{
    ngx_http_cleanup_t    *cln;
    ngx_leaseloft_wait_t  *wait;

    cln = ngx_leaseloft_wait_find(r);
    if (cln == NULL) {
        return;
    }

    wait = cln->data;
    cln->handler = NULL;

    if (wait->timer.timer_set) {
        ngx_del_timer(&wait->timer);
    }
}


static ngx_http_cleanup_t *
ngx_leaseloft_wait_find(ngx_http_request_t *r)
{
    ngx_http_cleanup_t  *cln;

    for (cln = r->main->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_leaseloft_wait_cleanup) {
            return cln;
        }
    }

    return NULL;
}


static void
ngx_leaseloft_wait_cleanup(void *data)
{
    ngx_leaseloft_wait_t  *wait = data;

    if (wait->timer.timer_set) {
        ngx_del_timer(&wait->timer);
    }

    wait->on_close(wait->data);
}


static void
ngx_leaseloft_wait_timer(ngx_event_t *ev)
{
    ngx_http_request_t    *r;
    ngx_leaseloft_wait_t  *wait;

    wait = ev->data;
    r = wait->request;

    ngx_leaseloft_wait_end(r);

    if (wait->on_timeout) {
        wait->on_timeout(wait->data);
        return;
    }

    wait->on_close(wait->data);

    ngx_leaseloft_wait_finalize(r, NGX_HTTP_SERVICE_UNAVAILABLE);
}


/* nginx may report the end of an HTTP/2 stream by its write event */
static void
ngx_leaseloft_wait_write(ngx_http_request_t *r)
{
    if (r->connection->error) {
        ngx_http_finalize_request(r, NGX_HTTP_CLIENT_CLOSED_REQUEST);
    }
}


void
ngx_leaseloft_wait_finalize(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_connection_t  *c;

    c = r->connection;

    ngx_leaseloft_wait_end(r);

    ngx_http_finalize_request(r, rc);

    ngx_http_run_posted_requests(c);
}


void
ngx_leaseloft_wait_continue(ngx_http_request_t *r,
    ngx_int_t (*next)(void *data), void *data)
{
    ngx_connection_t  *c;

    c = r->connection;

    ngx_leaseloft_wait_end(r);

    ngx_http_finalize_request(r, next(data));

    ngx_http_run_posted_requests(c);
}
