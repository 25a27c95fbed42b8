
/*
 * Server-sent events (WHATWG HTML, 9.2).  A frame is one event, encoded once
 * and shared by all its receivers.  It is stored as an HTTP/1.1 chunk, of which
 * the event is a part.
 */


#ifndef NGX_LEASELOFT_FRAME_H
#define NGX_LEASELOFT_FRAME_H


#include "ngx_leaseloft.h"


typedef struct {
    ngx_queue_t                 queue;     /* in the channel's cache */
    ngx_uint_t                  refs;
    uint64_t                    seq;       /* in the channel, or 0 */
    u_char                      tag[LL_TAG_LEN];   /* of a thread's entry */
    unsigned                    tagged:1;          /* tag is set */
    u_char                     *chunk;
    size_t                      chunk_len;
    u_char                     *event;
    size_t                      event_len;
} ngx_leaseloft_frame_t;


typedef struct {
    ngx_str_t                   name;      /* empty: no event field */
    ngx_str_t                   id;        /* empty: no id field */
    ngx_msec_t                  retry;     /* 0: no retry field */
    ngx_str_t                  *data;      /* parts of one line */
    ngx_uint_t                  pieces;    /* 0: no data field, no event */
} ngx_leaseloft_event_t;


/* encodes an event; the caller owns one reference; NULL: no memory */
ngx_leaseloft_frame_t *ngx_leaseloft_frame_create(
    ngx_leaseloft_event_t *event, ngx_log_t *log);

/* the frame of a thread's entry; tag is empty for a lost one */
ngx_leaseloft_frame_t *ngx_leaseloft_frame_entry(uint64_t seq,
    ngx_str_t *tag, ngx_str_t *entry, ngx_log_t *log);

/* sets the cursor of a frame's entry */
void ngx_leaseloft_frame_cursor(ngx_leaseloft_frame_t *frame,
    ll_cursor_t *cursor);

/* the frame of a change of an inbox: JSON in pieces; rev is the event's id */
ngx_leaseloft_frame_t *ngx_leaseloft_frame_thread(uint64_t rev,
    ngx_str_t *thread, ngx_uint_t pieces, ngx_log_t *log);

/* releases a reference; the last one frees the frame */
void ngx_leaseloft_frame_free(ngx_leaseloft_frame_t *frame);


#endif /* NGX_LEASELOFT_FRAME_H */
