
/* The metrics of the service: workers, and what waits in Redis. */


#ifndef NGX_LEASELOFT_METRICS_SERVICE_H
#define NGX_LEASELOFT_METRICS_SERVICE_H


#include "ngx_leaseloft_depth.h"


/* what is asked for, and what Redis told */
typedef struct {
    ngx_uint_t                  nginx;     /* 1: with the part of this nginx */
    ngx_uint_t                  service;   /* 1: with that of the service */
    ngx_uint_t                  drained;   /* 1: the drain file exists */
    redisReply                 *reply;     /* of ll1_health; NULL: none */
    ngx_leaseloft_depth_t       depth;
} ngx_leaseloft_metrics_t;


/*
 * Collects what the heartbeats in metrics->reply have, in an array in the pool.
 * Returns NGX_OK, or NGX_ERROR if memory is exhausted.
 */
ngx_int_t ngx_leaseloft_metrics_service_samples(ngx_pool_t *pool,
    ngx_leaseloft_metrics_t *metrics, ngx_array_t *samples);

/* the maximum length of the text, in bytes */
size_t ngx_leaseloft_metrics_service_size(ngx_leaseloft_metrics_t *metrics,
    ngx_array_t *samples);

/* writes the text, and returns its end */
u_char *ngx_leaseloft_metrics_service(u_char *p, u_char *last,
    ngx_leaseloft_metrics_t *metrics, ngx_array_t *samples);


#endif /* NGX_LEASELOFT_METRICS_SERVICE_H */
