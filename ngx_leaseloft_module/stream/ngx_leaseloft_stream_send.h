
/*
 * What a stream says: events are queued, and sent as its client takes them.
 */


#ifndef NGX_LEASELOFT_STREAM_SEND_H
#define NGX_LEASELOFT_STREAM_SEND_H


#include "ngx_leaseloft_stream.h"


/* unsent bytes up to which a stream is given more */
#define NGX_LEASELOFT_STREAM_SEND_WINDOW  (64 * 1024)


/*
 * Sends the headers of a stream, status 200; NGX_OK or NGX_ERROR.  They leave
 * with the first event.
 */
ngx_int_t ngx_leaseloft_stream_send_headers(ngx_leaseloft_stream_t *stream);

/* queues an event, a frame that is shared; NGX_OK or NGX_ERROR */
ngx_int_t ngx_leaseloft_stream_send_event(ngx_leaseloft_stream_t *stream,
    ngx_leaseloft_event_t *event);
ngx_int_t ngx_leaseloft_stream_send_frame(ngx_leaseloft_stream_t *stream,
    ngx_leaseloft_frame_t *frame);

/* 1 while no more should be queued than is */
ngx_uint_t ngx_leaseloft_stream_send_is_full(ngx_leaseloft_stream_t *stream);

/*
 * Hands what is queued to nginx, and notes whether the client takes it.  Once
 * it has all, gives back the memory that was needed until then, and stream
 * may no longer use what is in the request's pool.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_stream_send_flush(ngx_leaseloft_stream_t *stream);


#endif /* NGX_LEASELOFT_STREAM_SEND_H */
