
/*
 * Frames are allocated from the heap, since they outlive the request that
 * caused them, and freed with their last reference.
 *
 * A stream's frames go to nginx in shells: a chain link and a buf each, as
 * nginx keeps its own position in a buf.  They bypass the body filters: the
 * copy filter would allocate from r->pool for each event of a request that
 * may last for weeks, and the chunked filter likewise, so a frame brings its
 * chunk along.  What is left is ngx_http_write_filter(), which every protocol
 * has at the end of its chain.
 */


#include "ngx_leaseloft_sse.h"


/* the size of a chunk in hex, two line ends */
#define NGX_LEASELOFT_CHUNK_HEAD  (NGX_SIZE_T_LEN + 2)


typedef struct {
    ngx_chain_t                 link;      /* first: a shell is its link */
    ngx_buf_t                   buf;
    ngx_leaseloft_frame_t      *frame;
} ngx_leaseloft_shell_t;


static u_char *ngx_leaseloft_frame_write(u_char *p,
    ngx_leaseloft_event_t *event);


static size_t
ngx_leaseloft_frame_size(ngx_leaseloft_event_t *event)
{
    size_t      size;
    ngx_uint_t  i;

    size = sizeof("event: \n") - 1 + event->name.len
           + sizeof("id: \n") - 1 + event->id.len
           + sizeof("retry: \n") - 1 + NGX_INT_T_LEN
           + sizeof("data: \n") - 1
           + 1;

    for (i = 0; i < event->pieces; i++) {
        size += event->data[i].len;
    }

    return size;
}


static u_char *
ngx_leaseloft_frame_write(u_char *p, ngx_leaseloft_event_t *event)
{
    ngx_uint_t  i;

    if (event->retry) {
        p = ngx_sprintf(p, "retry: %M\n", event->retry);
    }

    if (event->name.len) {
        p = ngx_sprintf(p, "event: %V\n", &event->name);
    }

    if (event->id.len) {
        p = ngx_sprintf(p, "id: %V\n", &event->id);
    }

    if (event->pieces) {
        p = ngx_cpymem(p, "data: ", 6);

        for (i = 0; i < event->pieces; i++) {
            p = ngx_cpymem(p, event->data[i].data, event->data[i].len);
        }

        *p++ = '\n';
    }

    *p++ = '\n';

    return p;
}


ngx_leaseloft_frame_t *
ngx_leaseloft_frame_create(ngx_leaseloft_event_t *event, ngx_log_t *log)
{
    size_t                  n;
    u_char                 *p, head[NGX_LEASELOFT_CHUNK_HEAD];
    ngx_leaseloft_frame_t  *frame;

    frame = ngx_alloc(sizeof(ngx_leaseloft_frame_t)
                      + NGX_LEASELOFT_CHUNK_HEAD
                      + ngx_leaseloft_frame_size(event) + 2, log);
    if (frame == NULL) {
        return NULL;
    }

    ngx_memzero(frame, sizeof(ngx_leaseloft_frame_t));
    frame->refs = 1;

    p = (u_char *) frame + sizeof(ngx_leaseloft_frame_t);
    frame->event = p + NGX_LEASELOFT_CHUNK_HEAD;

    p = ngx_leaseloft_frame_write(frame->event, event);
    frame->event_len = p - frame->event;

    n = ngx_sprintf(head, "%xz" CRLF, frame->event_len) - head;
    frame->chunk = frame->event - n;
    ngx_memcpy(frame->chunk, head, n);

    *p++ = CR;
    *p++ = LF;
    frame->chunk_len = p - frame->chunk;

    return frame;
}


ngx_leaseloft_frame_t *
ngx_leaseloft_frame_entry(uint64_t seq, ngx_str_t *tag, ngx_str_t *entry,
    ngx_log_t *log)
{
    char                    id[LL_CURSOR_MAX];
    ngx_leaseloft_event_t   event;
    ngx_leaseloft_frame_t  *frame;

    ngx_memzero(&event, sizeof(ngx_leaseloft_event_t));

    event.id.data = (u_char *) id;
    event.id.len = tag->len
                   ? ll_cursor_encode(id, seq, (char *) tag->data)
                   : (size_t) (ngx_sprintf((u_char *) id, "%uL", seq)
                               - (u_char *) id);
    event.data = entry;
    event.pieces = 1;

    frame = ngx_leaseloft_frame_create(&event, log);

    if (frame) {
        frame->seq = seq;
        frame->tagged = (tag->len != 0);
        ngx_memcpy(frame->tag, tag->data, tag->len);
    }

    return frame;
}


void
ngx_leaseloft_frame_cursor(ngx_leaseloft_frame_t *frame, ll_cursor_t *cursor)
{
    cursor->seq = frame->seq;
    cursor->tagged = frame->tagged;
    ngx_memcpy(cursor->tag, frame->tag, LL_TAG_LEN);
}


ngx_leaseloft_frame_t *
ngx_leaseloft_frame_thread(uint64_t rev, ngx_str_t *thread, ngx_log_t *log)
{
    u_char                  id[NGX_INT64_LEN];
    ngx_leaseloft_event_t   event;
    ngx_leaseloft_frame_t  *frame;

    ngx_memzero(&event, sizeof(ngx_leaseloft_event_t));

    ngx_str_set(&event.name, "thread");
    event.id.data = id;
    event.id.len = ngx_sprintf(id, "%uL", rev) - id;
    event.data = thread;
    event.pieces = 1;

    frame = ngx_leaseloft_frame_create(&event, log);

    if (frame) {
        frame->seq = rev;
    }

    return frame;
}


void
ngx_leaseloft_frame_free(ngx_leaseloft_frame_t *frame)
{
    if (--frame->refs == 0) {
        ngx_free(frame);
    }
}


void
ngx_leaseloft_output_init(ngx_leaseloft_output_t *output)
{
    output->busy = NULL;
    output->last = &output->busy;
    output->fresh = NULL;
    output->size = 0;
}


static ngx_leaseloft_shell_t *
ngx_leaseloft_output_shell(ngx_leaseloft_output_t *output,
    ngx_http_request_t *r)
{
    ngx_leaseloft_shell_t  *shell;

    shell = ngx_calloc(sizeof(ngx_leaseloft_shell_t), r->connection->log);
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
ngx_leaseloft_output_add(ngx_leaseloft_output_t *output,
    ngx_leaseloft_frame_t *frame, ngx_http_request_t *r)
{
    ngx_buf_t              *b;
    ngx_leaseloft_shell_t  *shell;

    shell = ngx_leaseloft_output_shell(output, r);
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


/* drops the shells of what has been sent, but for the fresh ones */

static void
ngx_leaseloft_output_drop(ngx_leaseloft_output_t *output, ngx_uint_t all)
{
    ngx_leaseloft_shell_t  *shell;

    while (output->busy && (all || output->busy != output->fresh)) {
        shell = (ngx_leaseloft_shell_t *) output->busy;

        /* the last buf of a response is empty from the start: nginx has it */

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
ngx_leaseloft_output_send(ngx_leaseloft_output_t *output,
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
        ngx_leaseloft_output_drop(output, 0);
        return NGX_OK;
    }

    rc = ngx_http_write_filter(r, fresh);

    output->fresh = NULL;

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    ngx_leaseloft_output_drop(output, 0);

    /* a buffer of TLS or HTTP/2 counts as well: see c->buffered there */

    if (rc == NGX_AGAIN || r->buffered || c->buffered || output->busy) {
        return NGX_AGAIN;
    }

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_output_end(ngx_leaseloft_output_t *output,
    ngx_http_request_t *r)
{
    ngx_leaseloft_shell_t  *shell;
    static u_char           last[] = "0" CRLF CRLF;

    shell = ngx_leaseloft_output_shell(output, r);
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

    return ngx_leaseloft_output_send(output, r);
}


void
ngx_leaseloft_output_free(ngx_leaseloft_output_t *output)
{
    ngx_leaseloft_output_drop(output, 1);
    output->fresh = NULL;
}
