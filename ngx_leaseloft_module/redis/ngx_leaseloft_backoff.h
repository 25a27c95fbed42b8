
/*
 * Retry delays with full jitter: a random time up to a bound that doubles with
 * each failure, from 50 ms to 1 s.
 */


#ifndef NGX_LEASELOFT_BACKOFF_H
#define NGX_LEASELOFT_BACKOFF_H


#include "ngx_leaseloft.h"


typedef struct {
    ngx_event_t                 timer;
    ngx_uint_t                  failures;
    void                      (*handler)(void *data);
    void                       *data;
} ngx_leaseloft_backoff_t;


/* sets up a timer that calls handler(data) when it is time to try */
void ngx_leaseloft_backoff_init(ngx_leaseloft_backoff_t *backoff,
    void (*handler)(void *data), void *data, ngx_log_t *log);

/* schedules the first try, in the next iteration of the event loop */
void ngx_leaseloft_backoff_now(ngx_leaseloft_backoff_t *backoff);

/* schedules the next try, after one that failed */
void ngx_leaseloft_backoff_wait(ngx_leaseloft_backoff_t *backoff);

/* resets the delay, after a try that succeeded */
void ngx_leaseloft_backoff_reset(ngx_leaseloft_backoff_t *backoff);

/* stops the timer: handler is no longer called */
void ngx_leaseloft_backoff_free(ngx_leaseloft_backoff_t *backoff);


#endif /* NGX_LEASELOFT_BACKOFF_H */
