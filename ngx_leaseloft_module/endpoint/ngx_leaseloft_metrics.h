
/*
 * Prometheus's text format, version 0.0.4.  Metrics are of two parts: those of
 * this nginx, and those of the service, which any nginx has alike: the workers
 * and what waits in Redis.
 */


#ifndef NGX_LEASELOFT_METRICS_H
#define NGX_LEASELOFT_METRICS_H


#include "ngx_leaseloft_metrics_service.h"


/*
 * Builds the metrics in the pool.  Returns NGX_OK, or NGX_ERROR if memory is
 * exhausted.
 */
ngx_int_t ngx_leaseloft_metrics_create(ngx_pool_t *pool,
    ngx_leaseloft_process_t *process, ngx_leaseloft_metrics_t *metrics,
    ngx_str_t *text);


#endif /* NGX_LEASELOFT_METRICS_H */
