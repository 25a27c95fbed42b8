
/*
 * What metrics and health have in common: they ask Redis what it has heard of
 * the workers, and which commands nginx's user may not run.
 */


#ifndef NGX_LEASELOFT_STATUS_H
#define NGX_LEASELOFT_STATUS_H


#include "ngx_leaseloft.h"


/*
 * answer gets the reply of ll1_health (worker/lua/functions.lua), which may be
 * an error, or NULL when Redis did not answer within 2 seconds; it returns what
 * a content handler returns.  To be returned by the content handler.
 */
ngx_int_t ngx_leaseloft_status_ask(ngx_leaseloft_ctx_t *ctx,
    ngx_int_t (*answer)(ngx_leaseloft_ctx_t *ctx, redisReply *reply));


#endif /* NGX_LEASELOFT_STATUS_H */
