
/*
 * The part of health that is about the workers.
 */


#ifndef NGX_LEASELOFT_HEALTH_WORKERS_H
#define NGX_LEASELOFT_HEALTH_WORKERS_H


#include "ngx_leaseloft_report.h"


/* Reports what keeps workers from serving, by their heartbeats. */
void ngx_leaseloft_health_workers(ngx_leaseloft_report_t *report,
    redisReply *heartbeats);


#endif /* NGX_LEASELOFT_HEALTH_WORKERS_H */
