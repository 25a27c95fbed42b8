
/*
 * The life of a stream from its first event on, and the streams of a process:
 * when each is checked, how they end, and how a process that quits is drained
 * of them.
 */


#ifndef NGX_LEASELOFT_STREAM_RUN_H
#define NGX_LEASELOFT_STREAM_RUN_H


#include "ngx_leaseloft_stream.h"


/* when the client is to come back after the end of a stream, in ms */
#define NGX_LEASELOFT_STREAM_RUN_RETRY_MIN  1000
#define NGX_LEASELOFT_STREAM_RUN_RETRY_MAX  4000


/* the streams of a process; NULL: no memory */
ngx_leaseloft_streams_t *ngx_leaseloft_stream_run_create(
    ngx_leaseloft_process_t *process, ngx_pool_t *pool);

/* this process is to quit: closes its streams, spread over the drain time */
void ngx_leaseloft_stream_run_drain(ngx_leaseloft_streams_t *streams);

/* closes the timer; the streams end with their requests */
void ngx_leaseloft_stream_run_free(ngx_leaseloft_streams_t *streams);

/* a stream starts: it is to be drained, too, if the process already is */
void ngx_leaseloft_stream_run_join(ngx_leaseloft_stream_t *stream);

/* the stream is checked again when it next wants to be */
void ngx_leaseloft_stream_run_schedule(ngx_leaseloft_stream_t *stream);

/* the stream's request is freed */
void ngx_leaseloft_stream_run_forget(ngx_leaseloft_stream_t *stream);

/* the event of each kind of stream */
ngx_uint_t ngx_leaseloft_stream_run_notify(
    ngx_leaseloft_subscriber_t *subscriber,
    ngx_leaseloft_channel_event_e event);

/* pumps, sends, and schedules the next check; ends the stream on an error */
void ngx_leaseloft_stream_run(ngx_leaseloft_stream_t *stream);

/* 200, "bye" and the end, instead of a status that would end an EventSource */
void ngx_leaseloft_stream_run_refuse(ngx_leaseloft_stream_t *stream);

/* a problem instead of a stream */
void ngx_leaseloft_stream_run_answer(ngx_leaseloft_stream_t *stream,
    ngx_uint_t status);

/* says why, and ends the stream at the end of this turn of the event loop */
void ngx_leaseloft_stream_run_bye(ngx_leaseloft_stream_t *stream,
    ngx_leaseloft_bye_e reason);

/* ends it with rc at the end of this turn */
void ngx_leaseloft_stream_run_end(ngx_leaseloft_stream_t *stream, ngx_int_t rc);


/* a random time in ms from min to max */
static ngx_inline ngx_msec_t
ngx_leaseloft_stream_run_between(ngx_msec_t min, ngx_msec_t max)
{
    return min + (ngx_msec_t) ngx_random() % (max - min + 1);
}


#endif /* NGX_LEASELOFT_STREAM_RUN_H */
