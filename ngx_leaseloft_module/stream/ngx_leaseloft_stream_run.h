
/*
 * Runs streams from their first event on: checks each when it is due, ends
 * streams, and closes all streams of a process that quits.
 */


#ifndef NGX_LEASELOFT_STREAM_RUN_H
#define NGX_LEASELOFT_STREAM_RUN_H


#include "ngx_leaseloft_stream.h"


/* time after which clients are to reconnect, in ms */
#define NGX_LEASELOFT_STREAM_RUN_RETRY_MIN  1000
#define NGX_LEASELOFT_STREAM_RUN_RETRY_MAX  4000


/* creates the streams of a process in the pool; NULL: out of memory */
ngx_leaseloft_streams_t *ngx_leaseloft_stream_run_create(
    ngx_leaseloft_process_t *process, ngx_pool_t *pool);

/* closes the streams of a process that quits, spread over leaseloft_drain */
void ngx_leaseloft_stream_run_drain(ngx_leaseloft_streams_t *streams);

/*
 * Calls "each" with each stream that has not ended, and sets the time of its
 * next check afterwards.
 */
void ngx_leaseloft_stream_run_each(ngx_leaseloft_streams_t *streams,
    void (*each)(ngx_leaseloft_stream_t *stream));

/* removes the timer; streams are freed with their requests */
void ngx_leaseloft_stream_run_free(ngx_leaseloft_streams_t *streams);

/* a stream starts: sets its time to close if the process is quitting */
void ngx_leaseloft_stream_run_join(ngx_leaseloft_stream_t *stream);

/* sets the time of the next check of a stream */
void ngx_leaseloft_stream_run_schedule(ngx_leaseloft_stream_t *stream);

/* removes a stream whose request is being freed */
void ngx_leaseloft_stream_run_forget(ngx_leaseloft_stream_t *stream);

/* the notify callback of streams of all kinds */
ngx_uint_t ngx_leaseloft_stream_run_notify(
    ngx_leaseloft_subscriber_t *subscriber,
    ngx_leaseloft_channel_event_e event);

/* queues and sends frames, and schedules the next check; an error ends it */
void ngx_leaseloft_stream_run(ngx_leaseloft_stream_t *stream);

/*
 * Answers 200 with "bye" for overload and ends the stream; an EventSource does
 * not reconnect after a status of an error.
 */
void ngx_leaseloft_stream_run_refuse(ngx_leaseloft_stream_t *stream);

/* answers a stream that has not started with a problem, and ends it */
void ngx_leaseloft_stream_run_answer(ngx_leaseloft_stream_t *stream,
    ngx_uint_t status);

/* sends "bye" with the reason, and ends the stream as below with NGX_OK */
void ngx_leaseloft_stream_run_bye(ngx_leaseloft_stream_t *stream,
    ngx_leaseloft_bye_e reason);

/*
 * Finalizes the request of a stream with rc at the end of this iteration of the
 * event loop.
 */
void ngx_leaseloft_stream_run_end(ngx_leaseloft_stream_t *stream, ngx_int_t rc);


/* returns a random time in ms from min to max */
static ngx_inline ngx_msec_t
ngx_leaseloft_stream_run_between(ngx_msec_t min, ngx_msec_t max)
{
    return min + (ngx_msec_t) ngx_random() % (max - min + 1);
}


#endif /* NGX_LEASELOFT_STREAM_RUN_H */
