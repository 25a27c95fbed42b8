
/*
 * Access check of writes: whether the user has a window of the property, even
 * a closed one.  The worker decides who may write.
 */


#ifndef NGX_LEASELOFT_ACCESS_H
#define NGX_LEASELOFT_ACCESS_H


#include "ngx_leaseloft.h"


/*
 * Checks access in the preaccess phase.  Returns NGX_OK, NGX_ERROR, an HTTP
 * status to refuse the request with, or NGX_AGAIN: then ctx->status and
 * ctx->checked are set, and the phases continue, when Redis has replied.
 */
ngx_int_t ngx_leaseloft_access_ask(ngx_leaseloft_ctx_t *ctx);

/*
 * For requests that are queued without a check: waits, for up to a second,
 * until it is known which server of a cluster has which queue.  Returns NGX_OK,
 * NGX_ERROR or NGX_AGAIN, likewise.
 */
ngx_int_t ngx_leaseloft_access_await(ngx_leaseloft_ctx_t *ctx);


#endif /* NGX_LEASELOFT_ACCESS_H */
