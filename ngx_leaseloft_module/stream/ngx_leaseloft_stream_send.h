
/*
 * Sends the events of a stream as fast as its client reads them.
 */


#ifndef NGX_LEASELOFT_STREAM_SEND_H
#define NGX_LEASELOFT_STREAM_SEND_H


#include "ngx_leaseloft_stream.h"


/* no more frames are queued while this many bytes are unsent */
#define NGX_LEASELOFT_STREAM_SEND_WINDOW  (64 * 1024)


/*
 * Sends the response headers of a stream, with the status 200.  nginx buffers
 * them until the first event.  Returns NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_stream_send_headers(ngx_leaseloft_stream_t *stream);

/*
 * Queue an event of this stream, or a frame that streams share, to which a
 * reference is added.  Both return NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_stream_send_event(ngx_leaseloft_stream_t *stream,
    ngx_leaseloft_event_t *event);
ngx_int_t ngx_leaseloft_stream_send_frame(ngx_leaseloft_stream_t *stream,
    ngx_leaseloft_frame_t *frame);

/* returns 1 while no more frames should be queued, else 0 */
ngx_uint_t ngx_leaseloft_stream_send_is_full(ngx_leaseloft_stream_t *stream);

/*
 * Passes what is queued to nginx, and records whether the client reads it.  If
 * all is sent, frees memory that is no longer needed; then the stream must not
 * use memory of the request's pool.  Returns NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_stream_send_flush(ngx_leaseloft_stream_t *stream);


#endif /* NGX_LEASELOFT_STREAM_SEND_H */
