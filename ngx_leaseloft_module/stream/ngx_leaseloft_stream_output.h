
/*
 * The frames of a stream that its client has not taken yet.
 */


#ifndef NGX_LEASELOFT_STREAM_OUTPUT_H
#define NGX_LEASELOFT_STREAM_OUTPUT_H


#include "ngx_leaseloft_frame.h"


/* what a stream has given to nginx and nginx has not sent yet */
typedef struct {
    ngx_chain_t                *busy;
    ngx_chain_t               **last;
    ngx_chain_t                *fresh;     /* not given to nginx yet */
    size_t                      size;      /* bytes of the frames in it */
} ngx_leaseloft_stream_output_t;


/* nothing is queued */
void ngx_leaseloft_stream_output_init(ngx_leaseloft_stream_output_t *output);

/* queues a frame, of which it takes a reference of its own */
ngx_int_t ngx_leaseloft_stream_output_add(ngx_leaseloft_stream_output_t *output,
    ngx_leaseloft_frame_t *frame, ngx_http_request_t *r);

/*
 * Gives what is queued to nginx, and what nginx had before another try.
 * NGX_OK: all is sent; NGX_AGAIN: some waits; NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_stream_output_send(
    ngx_leaseloft_stream_output_t *output, ngx_http_request_t *r);

/* queues the last bytes of the response, and sends; returns as above */
ngx_int_t ngx_leaseloft_stream_output_end(ngx_leaseloft_stream_output_t *output,
    ngx_http_request_t *r);

/* from a cleanup of r->pool: nothing of nginx refers to the frames any more */
void ngx_leaseloft_stream_output_free(ngx_leaseloft_stream_output_t *output);


#endif /* NGX_LEASELOFT_STREAM_OUTPUT_H */
