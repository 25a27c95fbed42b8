
/*
 * The frames of a stream, which it shares with other streams, are passed to
 * nginx in shells: a chain link and a buf each, since nginx keeps its position
 * in a buf.  They bypass the body filters, since the copy filter and the
 * chunked filter would allocate from r->pool for each event, and a request may
 * last for weeks; therefore a frame has its chunk header.  Shells are passed to
 * ngx_http_write_filter(), the last filter of every protocol.
 *
 * A shell is allocated from the heap, and freed when nginx has sent it.
 */


#include "ngx_leaseloft_stream_output.h"


typedef struct {
    ngx_chain_t                 link;      /* first */
    ngx_buf_t                   buf;
    ngx_leaseloft_frame_t      *frame;
} ngx_leaseloft_stream_shell_t;


void
ngx_leaseloft_stream_output_init(ngx_leaseloft_stream_output_t *output)
{
    output->busy = NULL;
    output->last = &output->busy;
    output->fresh = NULL;
    output->size = 0;
}


static ngx_leaseloft_stream_shell_t *
ngx_leaseloft_stream_output_shell(ngx_leaseloft_stream_output_t *output,
    ngx_http_request_t *r)
{
    ngx_leaseloft_stream_shell_t  *shell;

    shell = ngx_calloc(sizeof(ngx_leaseloft_stream_shell_t),
                       r->connection->log);
    if (shell == NULL) {
        return NULL;
    }

    shell->link.buf = &shell->buf;
    shell->buf.flush = 1;

    *output->last = &shell->link;
    output->last = &shell->link.next;

    if (output->fresh == NULL) {
        output->fresh = &shell->link;
    }

    return shell;
}


ngx_int_t
ngx_leaseloft_stream_output_add(ngx_leaseloft_stream_output_t *output,
    ngx_leaseloft_frame_t *frame, ngx_http_request_t *r)
{
    ngx_buf_t                     *b;
    ngx_leaseloft_stream_shell_t  *shell;

    shell = ngx_leaseloft_stream_output_shell(output, r);
    if (shell == NULL) {
        return NGX_ERROR;
    }

    b = &shell->buf;
    b->memory = 1;

    if (r->chunked) {
        b->pos = frame->chunk;
        b->last = frame->chunk + frame->chunk_len;

    } else {
        b->pos = frame->event;
        b->last = frame->event + frame->event_len;
    }

    b->start = b->pos;
    b->end = b->last;

    shell->frame = frame;
    frame->refs++;
    output->size += b->last - b->start;

    return NGX_OK;
}


/* frees the shells of what has been sent; all: of everything */
static void
ngx_leaseloft_stream_output_drop(ngx_leaseloft_stream_output_t *output,
    ngx_uint_t all)
{
    ngx_leaseloft_stream_shell_t  *shell;

    while (output->busy && (all || output->busy != output->fresh)) {
        shell = (ngx_leaseloft_stream_shell_t *) output->busy;

        /* the last buf of a response is empty from the start; nginx keeps it */

        if (!all
            && (shell->frame == NULL || shell->buf.pos != shell->buf.last))
        {
            return;
        }

        output->busy = shell->link.next;

        if (shell->frame) {
            output->size -= shell->buf.end - shell->buf.start;
            ngx_leaseloft_frame_free(shell->frame);
        }

        ngx_free(shell);
    }

    if (output->busy == NULL) {
        output->last = &output->busy;
    }
}


ngx_int_t
ngx_leaseloft_stream_output_send(ngx_leaseloft_stream_output_t *output,
    ngx_http_request_t *r)
{
    ngx_int_t          rc;
    ngx_chain_t       *fresh;
    ngx_connection_t  *c;

    c = r->connection;
    fresh = output->fresh;

    if (fresh == NULL && r->out == NULL
        && !(c->buffered & NGX_LOWLEVEL_BUFFERED))
    {
        ngx_leaseloft_stream_output_drop(output, 0);
        return NGX_OK;
    }

    rc = ngx_http_write_filter(r, fresh);

    output->fresh = NULL;

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    ngx_leaseloft_stream_output_drop(output, 0);

    /* c->buffered: buffers of TLS and HTTP/2 */

    if (rc == NGX_AGAIN || r->buffered || c->buffered || output->busy) {
        return NGX_AGAIN;
    }

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_stream_output_end(ngx_leaseloft_stream_output_t *output,
    ngx_http_request_t *r)
{
    ngx_leaseloft_stream_shell_t  *shell;
    static u_char                  last[] = "0" CRLF CRLF;

    shell = ngx_leaseloft_stream_output_shell(output, r);
    if (shell == NULL) {
        return NGX_ERROR;
    }

    if (r->chunked) {
        shell->buf.memory = 1;
        shell->buf.pos = last;
        shell->buf.last = last + sizeof(last) - 1;
        shell->buf.start = shell->buf.pos;
        shell->buf.end = shell->buf.last;
    }

    shell->buf.last_buf = 1;

    return ngx_leaseloft_stream_output_send(output, r);
}


void
ngx_leaseloft_stream_output_free(ngx_leaseloft_stream_output_t *output)
{
    ngx_leaseloft_stream_output_drop(output, 1);
    output->fresh = NULL;
}
