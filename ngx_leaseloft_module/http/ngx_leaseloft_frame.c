
/*
 * Frames are allocated from the heap, since they outlive the request that
 * created them, and freed with their last reference.
 */


#include "ngx_leaseloft_frame.h"


/* the chunk's size in hex and CRLF */
#define NGX_LEASELOFT_CHUNK_HEAD  (NGX_SIZE_T_LEN + 2)


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
ngx_leaseloft_frame_thread(uint64_t rev, ngx_str_t *thread,
    ngx_uint_t pieces, ngx_log_t *log)
{
    u_char                  id[NGX_INT64_LEN];
    ngx_leaseloft_event_t   event;
    ngx_leaseloft_frame_t  *frame;

    ngx_memzero(&event, sizeof(ngx_leaseloft_event_t));

    ngx_str_set(&event.name, "thread");
    event.id.data = id;
    event.id.len = ngx_sprintf(id, "%uL", rev) - id;
    event.data = thread;
    event.pieces = pieces;

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
