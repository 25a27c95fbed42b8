
/*
 * Access of writes: whether the property is one of the user's.
 */


#ifndef NGX_LEASELOFT_ACCESS_H
#define NGX_LEASELOFT_ACCESS_H


#include "ngx_leaseloft.h"


/*
 * For the preaccess phase.  NGX_OK, NGX_ERROR, the status of the refusal, or
 * NGX_AGAIN: then ctx->status and ctx->checked will be set, and the phases go
 * on, when Redis has answered.
 */
ngx_int_t ngx_leaseloft_access_ask(ngx_leaseloft_ctx_t *ctx);


#endif /* NGX_LEASELOFT_ACCESS_H */
