
/*
 * Server-sent events (WHATWG HTML, 9.2).  A frame is one event, built once and
 * shared by all who get it.  It is kept in the form of an HTTP/1.1 chunk, of
 * which the bare event is a part.
 */


#ifndef NGX_LEASELOFT_FRAME_H
#define NGX_LEASELOFT_FRAME_H


#include "ngx_leaseloft.h"


typedef struct {
    ngx_queue_t                 queue;     /* of the channel that keeps it */
    ngx_uint_t                  refs;
    uint64_t                    seq;       /* the channel's, else 0 */
    u_char                      tag[LL_TAG_LEN];   /* of a thread's entry */
    unsigned                    tagged:1;          /* it has one */
    u_char                     *chunk;
    size_t                      chunk_len;
    u_char                     *event;
    size_t                      event_len;
} ngx_leaseloft_frame_t;


typedef struct {
    ngx_str_t                   name;      /* empty: no event field */
    ngx_str_t                   id;        /* empty: no id field */
    ngx_msec_t                  retry;     /* 0: no retry field */
    ngx_str_t                  *data;      /* pieces of one line */
    ngx_uint_t                  pieces;    /* 0: no data field: no event */
} ngx_leaseloft_event_t;


/* a frame with one reference, the caller's; NULL: no memory */
ngx_leaseloft_frame_t *ngx_leaseloft_frame_create(
    ngx_leaseloft_event_t *event, ngx_log_t *log);

/* the frame of a thread's entry; tag is empty for one that is lost */
ngx_leaseloft_frame_t *ngx_leaseloft_frame_entry(uint64_t seq,
    ngx_str_t *tag, ngx_str_t *entry, ngx_log_t *log);

/* the cursor after a frame's entry */
void ngx_leaseloft_frame_cursor(ngx_leaseloft_frame_t *frame,
    ll_cursor_t *cursor);

/* the frame of a change to an inbox */
ngx_leaseloft_frame_t *ngx_leaseloft_frame_thread(uint64_t rev,
    ngx_str_t *thread, ngx_log_t *log);

/* gives a reference back */
void ngx_leaseloft_frame_free(ngx_leaseloft_frame_t *frame);


#endif /* NGX_LEASELOFT_FRAME_H */
