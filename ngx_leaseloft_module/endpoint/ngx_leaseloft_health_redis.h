
/*
 * The part of health that is about Redis.
 */


#ifndef NGX_LEASELOFT_HEALTH_REDIS_H
#define NGX_LEASELOFT_HEALTH_REDIS_H


#include "ngx_leaseloft_report.h"


/*
 * Reports why Redis cannot be used, by the reply to ll1_health, or NULL if
 * there was none.  NGX_OK: the reply is well-formed, and has the list of
 * workers; else NGX_DECLINED.
 */
ngx_int_t ngx_leaseloft_health_redis(ngx_leaseloft_report_t *report,
    redisReply *reply);


#endif /* NGX_LEASELOFT_HEALTH_REDIS_H */
