
/*
 * Prometheus's text format, version 0.0.4.
 */


#ifndef NGX_LEASELOFT_METRICS_H
#define NGX_LEASELOFT_METRICS_H


#include "ngx_leaseloft.h"


/*
 * Builds the metrics in the pool: the counters of the zone, and those in the
 * heartbeats of the workers.  reply is that of ll1_health, or NULL if Redis did
 * not reply; searches is the number of those that wait.  Returns NGX_OK, or
 * NGX_ERROR if memory is exhausted.
 */
ngx_int_t ngx_leaseloft_metrics_create(ngx_pool_t *pool,
    ngx_leaseloft_process_t *process, redisReply *reply, ngx_uint_t searches,
    ngx_str_t *text);


#endif /* NGX_LEASELOFT_METRICS_H */
