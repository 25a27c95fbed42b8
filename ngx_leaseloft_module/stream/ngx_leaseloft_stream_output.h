
/*
 * The frames of a stream that have not been sent to its client yet.
 */


#ifndef NGX_LEASELOFT_STREAM_OUTPUT_H
#define NGX_LEASELOFT_STREAM_OUTPUT_H


#include "ngx_leaseloft_frame.h"


typedef struct {
    ngx_chain_t                *busy;      /* not sent by nginx yet */
    ngx_chain_t               **last;
    ngx_chain_t                *fresh;     /* not passed to nginx yet */
    size_t                      size;      /* bytes of the frames in both */
} ngx_leaseloft_stream_output_t;


/* initializes an empty output */
void ngx_leaseloft_stream_output_init(ngx_leaseloft_stream_output_t *output);

/* queues a frame and adds a reference to it; NGX_OK or NGX_ERROR */
ngx_int_t ngx_leaseloft_stream_output_add(ngx_leaseloft_stream_output_t *output,
    ngx_leaseloft_frame_t *frame, ngx_http_request_t *r);

/*
 * Passes what is queued to nginx, which also retries what it has not sent yet.
 * Returns NGX_OK if all is sent, NGX_AGAIN if not, or NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_stream_output_send(
    ngx_leaseloft_stream_output_t *output, ngx_http_request_t *r);

/*
 * Queues the last bytes of the response and sends; returns the same as
 * ngx_leaseloft_stream_output_send().
 */
ngx_int_t ngx_leaseloft_stream_output_end(ngx_leaseloft_stream_output_t *output,
    ngx_http_request_t *r);

/*
 * Frees what is queued; called by a cleanup of r->pool, when nginx has no
 * references to the frames.
 */
void ngx_leaseloft_stream_output_free(ngx_leaseloft_stream_output_t *output);


#endif /* NGX_LEASELOFT_STREAM_OUTPUT_H */
