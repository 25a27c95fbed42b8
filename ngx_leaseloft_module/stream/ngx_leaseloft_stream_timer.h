
/*
 * The open streams of a process: when each is to be looked at, how they end,
 * and how a process that quits is drained of them.
 */


#ifndef NGX_LEASELOFT_STREAMS_H
#define NGX_LEASELOFT_STREAMS_H


#include "ngx_leaseloft_stream.h"


ngx_leaseloft_streams_t *ngx_leaseloft_streams_create(
    ngx_leaseloft_process_t *process, ngx_pool_t *pool);

/* this process is to quit: closes its streams, spread over the drain time */
void ngx_leaseloft_streams_drain(ngx_leaseloft_streams_t *streams);

/* closes the timer; the streams end with their requests */
void ngx_leaseloft_streams_free(ngx_leaseloft_streams_t *streams);

/* a stream starts: it is to be drained, too, if the process already is */
void ngx_leaseloft_streams_join(ngx_leaseloft_stream_t *stream);

/* the stream is looked at again when it next wants to be */
void ngx_leaseloft_streams_schedule(ngx_leaseloft_stream_t *stream);

/* the stream's request is freed */
void ngx_leaseloft_streams_forget(ngx_leaseloft_stream_t *stream);

/*
 * what silent requests have in common; NULL: nothing
 * (ngx_leaseloft_stream_hibernate.h)
 */
void *ngx_leaseloft_streams_empty(ngx_leaseloft_streams_t *streams,
    ngx_http_request_t *r);

/* called when the time of a stream has come; defined with the stream */
void ngx_leaseloft_stream_look(ngx_leaseloft_stream_t *stream);


/* a random time in ms from min to max */
static ngx_inline ngx_msec_t
ngx_leaseloft_streams_between(ngx_msec_t min, ngx_msec_t max)
{
    return min + (ngx_msec_t) ngx_random() % (max - min + 1);
}


#endif /* NGX_LEASELOFT_STREAMS_H */
