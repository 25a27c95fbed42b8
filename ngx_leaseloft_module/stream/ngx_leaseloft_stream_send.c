
/*
 * Sends the events of a stream.  The pump of its kind stops while
 * NGX_LEASELOFT_STREAM_SEND_WINDOW bytes are unsent, and continues when the
 * client has read some, so the memory of a slow client is bounded by that
 * window.  Frames are counted references; the stream owns one to each frame
 * that is not sent.
 */


#include "ngx_leaseloft_header.h"
#include "ngx_leaseloft_plain.h"
#include "ngx_leaseloft_response.h"
#include "ngx_leaseloft_stream_hibernate.h"
#include "ngx_leaseloft_stream_send.h"
#include "ngx_leaseloft_stream_shrink.h"
#include "ngx_leaseloft_stream_tcp.h"


ngx_int_t
ngx_leaseloft_stream_send_headers(ngx_leaseloft_stream_t *stream)
{
    ngx_str_t            value;
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = stream->request;

    r->headers_out.status = NGX_HTTP_OK;

    ngx_str_set(&value, "no");

    if (ngx_leaseloft_response_headers(r) != NGX_OK
        || ngx_leaseloft_header_add(r, "X-Accel-Buffering", &value) != NGX_OK)
    {
        return NGX_ERROR;
    }

    r->limit_rate = 0;
    r->limit_rate_set = 1;

    ngx_leaseloft_stream_tcp_tune(r);

    stream->ctx->answered = 1;
    stream->started = 1;

    rc = ngx_leaseloft_plain_send_header(r, ngx_http_send_header);

    if (rc == NGX_ERROR || rc > NGX_OK) {
        return NGX_ERROR;
    }

    /* nginx buffers the headers until the first event; HTTP/2 does not */

    if (r->out && r->out->next == NULL) {
        stream->head = r->out->buf->start;
    }

    /* closes the connection after the stream, without "Connection: close" */

    r->keepalive = 0;

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_stream_send_event(ngx_leaseloft_stream_t *stream,
    ngx_leaseloft_event_t *event)
{
    ngx_int_t               rc;
    ngx_leaseloft_frame_t  *frame;

    frame = ngx_leaseloft_frame_create(event, stream->request->connection->log);
    if (frame == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_leaseloft_stream_send_frame(stream, frame);

    ngx_leaseloft_frame_free(frame);

    return rc;
}


ngx_int_t
ngx_leaseloft_stream_send_frame(ngx_leaseloft_stream_t *stream,
    ngx_leaseloft_frame_t *frame)
{
    stream->last_sent = ngx_current_msec;

    return ngx_leaseloft_stream_output_add(&stream->output, frame,
                                           stream->request);
}


ngx_uint_t
ngx_leaseloft_stream_send_is_full(ngx_leaseloft_stream_t *stream)
{
    return stream->output.size >= NGX_LEASELOFT_STREAM_SEND_WINDOW;
}


/* all is sent: frees what is no longer needed */
static void
ngx_leaseloft_stream_send_shrink(ngx_leaseloft_stream_t *stream)
{
    void                *empty;
    ngx_http_request_t  *r;

    r = stream->request;

    ngx_leaseloft_stream_shrink_ssl(r);

    if (stream->shrunk) {
        return;
    }

    /*
     * nginx still uses the request while its content handler runs, and while it
     * discards a body.
     */

    if (r->main->count != 1) {

        if (r->http_version < NGX_HTTP_VERSION_20 && !r->discard_body) {
            ngx_post_event(r->connection->write, &ngx_posted_events);
        }

        return;
    }

    stream->shrunk = 1;

    /* for the log; nginx may have stored it in the header buffer */

    ngx_str_set(&r->headers_out.content_type, "text/event-stream");

    if (stream->head) {
        ngx_pfree(r->pool, stream->head);
        stream->head = NULL;
    }

    empty = ngx_leaseloft_stream_hibernate_tables(stream->ctx->process, r);

    if (ngx_leaseloft_stream_shrink(r, stream->pool) == NGX_OK && empty) {
        ngx_leaseloft_stream_hibernate(r, stream->pool, stream->ctx, empty);
    }
}


ngx_int_t
ngx_leaseloft_stream_send_flush(ngx_leaseloft_stream_t *stream)
{
    ngx_int_t          rc;
    ngx_connection_t  *c;

    c = stream->request->connection;

    rc = ngx_leaseloft_stream_output_send(&stream->output, stream->request);

    if (rc == NGX_AGAIN) {

        if (!stream->is_blocked || c->sent != stream->sent) {
            stream->is_blocked = 1;
            stream->blocked = ngx_current_msec;
            stream->sent = c->sent;
        }

        if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    stream->is_blocked = 0;

    if (rc == NGX_OK) {
        ngx_leaseloft_stream_send_shrink(stream);
    }

    return rc;
}
