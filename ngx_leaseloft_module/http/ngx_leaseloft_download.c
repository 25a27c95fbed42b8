
/*
 * A part is passed to ngx_http_write_filter() in the download's own link and
 * buf, so that nothing is allocated from r->pool for it.  Its memory has room
 * for a chunk header before it, and for a line end and the last chunk after it.
 *
 * The timer limits how long the client takes nothing (send_timeout), and how
 * long the next part takes; it also keeps a process that quits until then.
 */


#include "ngx_leaseloft_ctx.h"
#include "ngx_leaseloft_download.h"
#include "ngx_leaseloft_plain.h"
#include "ngx_leaseloft_response.h"


#define NGX_LEASELOFT_DOWNLOAD_HEAD  20        /* hexadecimal, CRLF */
#define NGX_LEASELOFT_DOWNLOAD_TAIL  7         /* CRLF, last chunk */

/* ms for the next part: more than the client needs to detect a lost Redis */
#define NGX_LEASELOFT_DOWNLOAD_WAIT  10000


static void ngx_leaseloft_download_write(ngx_http_request_t *r);
static void ngx_leaseloft_download_stop(void *data);
static void ngx_leaseloft_download_cleanup(void *data);
static void ngx_leaseloft_download_timer(ngx_event_t *ev);
static void ngx_leaseloft_download_flush(ngx_leaseloft_download_t *download,
    ngx_chain_t *in);


/* the download of a request; NULL: it has ended */
static ngx_leaseloft_download_t *
ngx_leaseloft_download_of(ngx_http_request_t *r)
{
    ngx_http_cleanup_t  *cln;

    for (cln = r->main->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_leaseloft_download_stop) {
            return cln->data;
        }
    }

    return NULL;
}


ngx_int_t
ngx_leaseloft_download_start(ngx_leaseloft_download_t *download,
    ngx_http_request_t *r, void (*next)(void *data), void *data)
{
    ngx_int_t             rc;
    ngx_http_cleanup_t   *stop;
    ngx_pool_cleanup_t   *cln;
    ngx_leaseloft_ctx_t  *ctx;

    ngx_memzero(download, sizeof(ngx_leaseloft_download_t));

    ctx = ngx_http_get_module_ctx(r, ngx_leaseloft_module);
    stop = ngx_http_cleanup_add(r, 0);
    cln = ngx_pool_cleanup_add(r->pool, 0);

    if (stop == NULL || cln == NULL) {
        return NGX_ERROR;
    }

    download->request = r;
    download->next = next;
    download->data = data;
    download->timer.handler = ngx_leaseloft_download_timer;
    download->timer.data = download;
    download->timer.log = r->connection->log;

    stop->handler = ngx_leaseloft_download_stop;
    stop->data = download;
    cln->handler = ngx_leaseloft_download_cleanup;
    cln->data = download;

    ctx->answered = 1;
    r->headers_out.status = NGX_HTTP_OK;

    if (ngx_leaseloft_response_headers(r) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_leaseloft_plain_send_header(r, ngx_http_send_header);

    if (rc == NGX_ERROR || rc > NGX_OK) {
        return NGX_ERROR;
    }

    if (!r->discard_body) {
        r->read_event_handler = ngx_http_test_reading;
    }

    r->write_event_handler = ngx_leaseloft_download_write;

    return NGX_OK;
}


/* the request ends: no callback any more */
static void
ngx_leaseloft_download_stop(void *data)
{
    ngx_leaseloft_download_t *download = data;

    if (download->timer.timer_set) {
        ngx_del_timer(&download->timer);
    }
}


/* the request's pool is destroyed: nginx has no references to the part */
static void
ngx_leaseloft_download_cleanup(void *data)
{
    ngx_leaseloft_download_t *download = data;

    ngx_leaseloft_download_stop(download);

    if (download->part) {
        ngx_leaseloft_download_free(download->part);
        download->part = NULL;
    }
}


u_char *
ngx_leaseloft_download_alloc(size_t size, ngx_log_t *log)
{
    u_char  *p;

    p = ngx_alloc(NGX_LEASELOFT_DOWNLOAD_HEAD + size
                  + NGX_LEASELOFT_DOWNLOAD_TAIL, log);

    return p ? p + NGX_LEASELOFT_DOWNLOAD_HEAD : NULL;
}


void
ngx_leaseloft_download_free(u_char *part)
{
    ngx_free(part - NGX_LEASELOFT_DOWNLOAD_HEAD);
}


void
ngx_leaseloft_download_send(ngx_leaseloft_download_t *download, u_char *part,
    size_t len, ngx_uint_t last)
{
    u_char               head[NGX_LEASELOFT_DOWNLOAD_HEAD];
    size_t               n;
    ngx_buf_t           *b;
    ngx_http_request_t  *r;

    r = download->request;

    download->part = part;
    download->last = last;

    b = &download->buf;
    ngx_memzero(b, sizeof(ngx_buf_t));

    b->pos = part;
    b->last = part + len;

    if (r->chunked) {
        n = ngx_sprintf(head, "%xz" CRLF, len) - head;
        b->pos = ngx_cpymem(part - n, head, n) - n;
        b->last = ngx_cpymem(b->last, CRLF, 2);

        if (last) {
            b->last = ngx_cpymem(b->last, "0" CRLF CRLF, 5);
        }
    }

    b->start = b->pos;
    b->end = b->last;
    b->temporary = 1;
    b->flush = 1;
    b->last_buf = last;
    b->last_in_chain = 1;

    download->link.buf = b;
    download->link.next = NULL;

    ngx_leaseloft_download_flush(download, &download->link);
}


/* passes a part to nginx, or what it has not sent yet */
static void
ngx_leaseloft_download_flush(ngx_leaseloft_download_t *download,
    ngx_chain_t *in)
{
    ngx_int_t                  rc;
    ngx_connection_t          *c;
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;

    r = download->request;
    c = r->connection;

    rc = ngx_http_write_filter(r, in);

    if (rc == NGX_ERROR || c->error) {
        ngx_leaseloft_download_abort(download);
        return;
    }

    /* c->buffered: buffers of TLS and HTTP/2 */

    if (rc == NGX_AGAIN || r->out || r->buffered || c->buffered
        || download->buf.pos != download->buf.last)
    {
        clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
        ngx_add_timer(&download->timer, clcf->send_timeout);

        if (ngx_handle_write_event(c->write, clcf->send_lowat) != NGX_OK) {
            ngx_leaseloft_download_abort(download);
        }

        return;
    }

    ngx_leaseloft_download_free(download->part);
    download->part = NULL;

    if (download->last) {
        ngx_http_finalize_request(r, NGX_OK);
        ngx_http_run_posted_requests(c);
        return;
    }

    ngx_add_timer(&download->timer, NGX_LEASELOFT_DOWNLOAD_WAIT);

    download->next(download->data);
}


/* nginx may report the end of an HTTP/2 stream by its write event */
static void
ngx_leaseloft_download_write(ngx_http_request_t *r)
{
    ngx_leaseloft_download_t  *download;

    download = ngx_leaseloft_download_of(r);

    if (download == NULL || r->connection->write->delayed) {
        return;
    }

    if (r->connection->error) {
        ngx_leaseloft_download_abort(download);

    } else if (download->part) {
        ngx_leaseloft_download_flush(download, NULL);
    }
}


static void
ngx_leaseloft_download_timer(ngx_event_t *ev)
{
    ngx_leaseloft_download_t *download = ev->data;

    ngx_connection_t  *c;

    c = download->request->connection;

    if (download->part) {
        ngx_log_error(NGX_LOG_INFO, c->log, NGX_ETIMEDOUT, "client timed out");
        c->timedout = 1;
    }

    ngx_leaseloft_download_abort(download);
}


void
ngx_leaseloft_download_abort(ngx_leaseloft_download_t *download)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = download->request;
    c = r->connection;

    r->keepalive = 0;

    ngx_http_finalize_request(r, NGX_ERROR);

    ngx_http_run_posted_requests(c);
}
