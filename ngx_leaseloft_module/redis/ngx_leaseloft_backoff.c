
/*
 * Jitter keeps processes that lost Redis at the same time from reconnecting at
 * the same time.  The timer does not delay the exit of a process.
 */


#include "ngx_leaseloft_backoff.h"


#define NGX_LEASELOFT_BACKOFF_MIN  50
#define NGX_LEASELOFT_BACKOFF_MAX  1000


static void ngx_leaseloft_backoff_handler(ngx_event_t *ev);


void
ngx_leaseloft_backoff_init(ngx_leaseloft_backoff_t *backoff,
    void (*handler)(void *data), void *data, ngx_log_t *log)
{
    backoff->handler = handler;
    backoff->data = data;
    backoff->timer.handler = ngx_leaseloft_backoff_handler;
    backoff->timer.data = backoff;
    backoff->timer.log = log;
    backoff->timer.cancelable = 1;
}


static void
ngx_leaseloft_backoff_handler(ngx_event_t *ev)
{
    ngx_leaseloft_backoff_t  *backoff;

    backoff = ev->data;

    backoff->handler(backoff->data);
}


void
ngx_leaseloft_backoff_now(ngx_leaseloft_backoff_t *backoff)
{
    ngx_add_timer(&backoff->timer, 0);
}


void
ngx_leaseloft_backoff_wait(ngx_leaseloft_backoff_t *backoff)
{
    ngx_msec_t  bound;

    bound = NGX_LEASELOFT_BACKOFF_MIN << ngx_min(backoff->failures, 8);
    bound = ngx_min(bound, NGX_LEASELOFT_BACKOFF_MAX);

    backoff->failures++;

    if (!backoff->timer.timer_set) {
        ngx_add_timer(&backoff->timer, ngx_random() % bound + 1);
    }
}


void
ngx_leaseloft_backoff_reset(ngx_leaseloft_backoff_t *backoff)
{
    backoff->failures = 0;
}


void
ngx_leaseloft_backoff_free(ngx_leaseloft_backoff_t *backoff)
{
    if (backoff->timer.timer_set) {
        ngx_del_timer(&backoff->timer);
    }
}
