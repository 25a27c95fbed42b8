
/*
 * The common part of writes: responses to requests that were queued, or could
 * not be.
 */


#ifndef NGX_LEASELOFT_WRITE_H
#define NGX_LEASELOFT_WRITE_H


#include "ngx_leaseloft.h"


/*
 * The functions that send a response return the result of a content handler;
 * those for 202 and 503 count it in the zone.
 */

/* 202: queued, but no verdict in time; client_id may be NULL */
ngx_int_t ngx_leaseloft_write_send_accepted(ngx_leaseloft_ctx_t *ctx,
    ngx_str_t *client_id);

/* 503: not queued */
ngx_int_t ngx_leaseloft_write_send_refused(ngx_leaseloft_ctx_t *ctx);

/* 503: it is unknown whether the request was queued */
ngx_int_t ngx_leaseloft_write_send_unknown(ngx_leaseloft_ctx_t *ctx);

/* the problem document of a verdict with a status of 400 or more */
ngx_int_t ngx_leaseloft_write_send_problem(ngx_leaseloft_ctx_t *ctx,
    ll_verdict_t *verdict);

/* logs that a verdict does not fit this request */
void ngx_leaseloft_write_misfit(ngx_leaseloft_ctx_t *ctx,
    ll_verdict_t *verdict);


#endif /* NGX_LEASELOFT_WRITE_H */
