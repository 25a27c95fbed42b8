
/*
 * Prometheus's text format, version 0.0.4.
 */


#ifndef NGX_LEASELOFT_METRICS_H
#define NGX_LEASELOFT_METRICS_H


#include "ngx_leaseloft.h"


/*
 * What the zone has counted, and what workers say of themselves: reply is that
 * of ll1_health, or NULL when Redis did not answer.  The text is in pool.
 */
ngx_int_t ngx_leaseloft_metrics_create(ngx_pool_t *pool,
    ngx_leaseloft_process_t *process, redisReply *reply, ngx_str_t *text);


#endif /* NGX_LEASELOFT_METRICS_H */
