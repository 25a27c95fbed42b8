
/*
 * When to try again: full jitter, a random time up to a bound that doubles
 * with each failure, from 50 ms to 1 s.
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


/* handler is called when it is time to try */
void ngx_leaseloft_backoff_init(ngx_leaseloft_backoff_t *backoff,
    void (*handler)(void *data), void *data, ngx_log_t *log);

/* the first try, in the next turn of the event loop */
void ngx_leaseloft_backoff_now(ngx_leaseloft_backoff_t *backoff);

/* a try failed */
void ngx_leaseloft_backoff_wait(ngx_leaseloft_backoff_t *backoff);

/* a try succeeded: the next failure counts as the first one */
void ngx_leaseloft_backoff_reset(ngx_leaseloft_backoff_t *backoff);

/* handler is not called any more */
void ngx_leaseloft_backoff_free(ngx_leaseloft_backoff_t *backoff);


#endif /* NGX_LEASELOFT_BACKOFF_H */
