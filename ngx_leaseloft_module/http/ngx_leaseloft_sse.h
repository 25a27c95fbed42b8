
/*
 * Server-sent events on the wire (WHATWG HTML, 9.2), and the shells in which
 * they travel.
 *
 * A frame is one event, built once and shared by all who get it.  It is kept
 * in the form of an HTTP/1.1 chunk, of which the bare event is a part.
 */


#ifndef NGX_LEASELOFT_SSE_H
#define NGX_LEASELOFT_SSE_H


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

void ngx_leaseloft_frame_free(ngx_leaseloft_frame_t *frame);


/* what a stream has given to nginx and nginx has not sent yet */
typedef struct {
    ngx_chain_t                *busy;
    ngx_chain_t               **last;
    ngx_chain_t                *fresh;     /* not given to nginx yet */
    size_t                      size;      /* bytes of the frames in it */
} ngx_leaseloft_output_t;


void ngx_leaseloft_output_init(ngx_leaseloft_output_t *output);

/* queues a frame, of which it takes a reference of its own */
ngx_int_t ngx_leaseloft_output_add(ngx_leaseloft_output_t *output,
    ngx_leaseloft_frame_t *frame, ngx_http_request_t *r);

/*
 * Gives what is queued to nginx, and what nginx had before another try.
 * NGX_OK: all is sent; NGX_AGAIN: some waits; NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_output_send(ngx_leaseloft_output_t *output,
    ngx_http_request_t *r);

/* the last bytes of the response */
ngx_int_t ngx_leaseloft_output_end(ngx_leaseloft_output_t *output,
    ngx_http_request_t *r);

/* from a cleanup of r->pool: nothing of nginx refers to the frames any more */
void ngx_leaseloft_output_free(ngx_leaseloft_output_t *output);


#endif /* NGX_LEASELOFT_SSE_H */
