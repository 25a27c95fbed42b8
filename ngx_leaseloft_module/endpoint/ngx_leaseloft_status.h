
/*
 * The common part of metrics and health: both ask Redis for the heartbeats of
 * the workers, and for commands that nginx's Redis user may not run.
 */


#ifndef NGX_LEASELOFT_STATUS_H
#define NGX_LEASELOFT_STATUS_H


#include "ngx_leaseloft.h"


/*
 * Calls ll1_health (worker/lua/functions.lua), and answer with its reply, which
 * may be an error, or NULL if Redis did not reply within 2 seconds.  answer
 * returns the result of a content handler.  The content handler returns the
 * result of this function.
 */
ngx_int_t ngx_leaseloft_status_ask(ngx_leaseloft_ctx_t *ctx,
    ngx_int_t (*answer)(ngx_leaseloft_ctx_t *ctx, redisReply *reply));


#endif /* NGX_LEASELOFT_STATUS_H */
