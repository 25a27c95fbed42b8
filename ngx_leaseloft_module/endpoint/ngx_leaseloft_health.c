
/*
 * Health: 200 while messages can be sent and delivered, that is, while
 *
 *   - Redis answers nginx on both connections, and accepts writes; of a Redis
 *     Cluster, the primaries of all slots do,
 *   - nginx's Redis user may run all commands that requests need,
 *   - each queue is read by a worker that has sent a heartbeat within 3 seconds
 *     and whose Redis user may run all commands that it needs.
 *
 * and its drain file does not exist.
 *
 * Otherwise the response is 503 and lists the faults.  Problems that delay no
 * message are listed as advice.  All memory is in the request's pool.
 */


#include "ngx_leaseloft_health_redis.h"
#include "ngx_leaseloft_health_workers.h"
#include "ngx_leaseloft_response.h"
#include "ngx_leaseloft_status.h"
#include "ngx_leaseloft_switch.h"
#include "ngx_leaseloft_zone.h"


static ngx_int_t ngx_leaseloft_health_handler(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx);
static ngx_int_t ngx_leaseloft_health_answer(ngx_leaseloft_ctx_t *ctx,
    redisReply *reply);


ngx_leaseloft_endpoint_t  ngx_leaseloft_health_endpoint = {
    .kind = NGX_LEASELOFT_ENDPOINT_HEALTH,
    .method = NGX_HTTP_GET|NGX_HTTP_HEAD,
    .methods = ngx_string("GET, HEAD"),
    .handler = ngx_leaseloft_health_handler
};


static ngx_int_t
ngx_leaseloft_health_handler(ngx_http_request_t *r, ngx_leaseloft_ctx_t *ctx)
{
    return ngx_leaseloft_status_ask(ctx, ngx_leaseloft_health_answer);
}


/* logs a new or different fault */
static void
ngx_leaseloft_health_log(ngx_leaseloft_report_t *report)
{
    uint32_t    faults;
    ngx_str_t  *fault;

    faults = 0;

    if (report->faults.nelts) {
        fault = report->faults.elts;
        faults = ngx_crc32_long(fault->data, fault->len);

        if (faults != report->process->faults) {
            ngx_log_error(NGX_LOG_ERR, report->process->log, 0,
                          "health: \"%V\"", fault);
        }
    }

    report->process->faults = faults;
}


/* an advice, as who is refused a stream polls, and sends go on */
static void
ngx_leaseloft_health_connections(ngx_leaseloft_report_t *report)
{
    ngx_leaseloft_zone_usage_t  usage;

    ngx_leaseloft_zone_usage(report->process->zone, &usage);

    if (usage.processes
        && usage.least < usage.connections / usage.processes / 10)
    {
        ngx_leaseloft_report_say(report, &report->advice,
                                 "A process of nginx has %ui connections free, "
                                 "and refuses streams when few are left: raise "
                                 "worker_connections and "
                                 "worker_rlimit_nofile.", usage.least);
    }
}


static ngx_int_t
ngx_leaseloft_health_answer(ngx_leaseloft_ctx_t *ctx, redisReply *reply)
{
    ngx_str_t                document;
    ngx_uint_t               status;
    ngx_http_request_t      *r;
    ngx_leaseloft_report_t   report;

    r = ctx->request;

    if (ngx_leaseloft_report_init(&report, ctx->process, r->pool) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_leaseloft_health_redis(&report, reply) == NGX_OK) {
        ngx_leaseloft_health_workers(&report, reply->element[2]);

    } else {
        report.workers = "unknown";
    }

    ngx_leaseloft_health_connections(&report);
    ngx_leaseloft_health_log(&report);

    report.drain = ngx_leaseloft_switch_on(r);

    if (report.drain == NGX_ERROR) {
        ngx_leaseloft_report_say(&report, &report.advice,
                                 "The drain file cannot be looked for.");
    }

    status = report.faults.nelts || report.drain == NGX_OK
             ? NGX_HTTP_SERVICE_UNAVAILABLE : NGX_HTTP_OK;

    if (ngx_leaseloft_report_document(&report, status, &document) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (status == NGX_HTTP_OK) {
        return ngx_leaseloft_response_json(r, status, &document);
    }

    return ngx_leaseloft_response_document(r, status, &document);
}
