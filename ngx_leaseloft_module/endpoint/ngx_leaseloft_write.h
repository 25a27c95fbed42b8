
/*
 * What writes have in common: the answers to requests that were queued for the
 * workers, or were not.
 */


#ifndef NGX_LEASELOFT_WRITE_H
#define NGX_LEASELOFT_WRITE_H


#include "ngx_leaseloft.h"


/* All of them count, and return what a content handler returns. */

/* 202: it is queued, and no worker has answered; client_id may be NULL */
ngx_int_t ngx_leaseloft_write_send_accepted(ngx_leaseloft_ctx_t *ctx,
    ngx_str_t *client_id);

/* 503: nothing was queued */
ngx_int_t ngx_leaseloft_write_send_refused(ngx_leaseloft_ctx_t *ctx);

/* 503: whether it was queued, only Redis knows */
ngx_int_t ngx_leaseloft_write_send_unknown(ngx_leaseloft_ctx_t *ctx);

/* the problem, of a status of 400 or more, that a worker found */
ngx_int_t ngx_leaseloft_write_send_problem(ngx_leaseloft_ctx_t *ctx,
    ll_verdict_t *verdict);

/* logs that a verdict is none on this request */
void ngx_leaseloft_write_misfit(ngx_leaseloft_ctx_t *ctx,
    ll_verdict_t *verdict);


#endif /* NGX_LEASELOFT_WRITE_H */
