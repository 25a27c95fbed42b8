
/* Reports of health.  All memory is in the request's pool. */


#include "ngx_leaseloft_cluster.h"
#include "ngx_leaseloft_report.h"


ngx_int_t
ngx_leaseloft_report_init(ngx_leaseloft_report_t *report,
    ngx_leaseloft_process_t *process, ngx_pool_t *pool)
{
    report->pool = pool;
    report->process = process;
    report->drain = NGX_DECLINED;
    report->nginx = "up";
    report->redis = "up";
    report->workers = "up";

    if (ngx_array_init(&report->faults, pool, 4, sizeof(ngx_str_t)) != NGX_OK
        || ngx_array_init(&report->advice, pool, 4, sizeof(ngx_str_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_leaseloft_report_say(ngx_leaseloft_report_t *report, ngx_array_t *list,
    char *fmt, ...)
{
    u_char      text[512], *last;
    va_list     args;
    ngx_str_t  *sentence;

    va_start(args, fmt);
    last = ngx_vslprintf(text, text + sizeof(text), fmt, args);
    va_end(args);

    sentence = ngx_array_push(list);
    if (sentence == NULL) {
        return;
    }

    sentence->len = last - text;
    sentence->data = ngx_pnalloc(report->pool, sentence->len);

    if (sentence->data == NULL) {
        sentence->len = 0;
        return;
    }

    ngx_memcpy(sentence->data, text, sentence->len);
}


static u_char *
ngx_leaseloft_report_string(u_char *p, ngx_str_t *text)
{
    *p++ = '"';
    p = (u_char *) ngx_escape_json(p, text->data, text->len);
    *p++ = '"';

    return p;
}


static u_char *
ngx_leaseloft_report_list(u_char *p, ngx_array_t *list)
{
    ngx_str_t   *sentence;
    ngx_uint_t   i;

    sentence = list->elts;
    *p++ = '[';

    for (i = 0; i < list->nelts; i++) {
        if (i) {
            *p++ = ',';
        }

        p = ngx_leaseloft_report_string(p, &sentence[i]);
    }

    *p++ = ']';

    return p;
}


static size_t
ngx_leaseloft_report_size(ngx_array_t *list)
{
    size_t       size;
    ngx_str_t   *sentence;
    ngx_uint_t   i;

    size = 2;
    sentence = list->elts;

    for (i = 0; i < list->nelts; i++) {
        size += 3 + sentence[i].len
                + ngx_escape_json(NULL, sentence[i].data, sentence[i].len);
    }

    return size;
}


ngx_int_t
ngx_leaseloft_report_document(ngx_leaseloft_report_t *report,
    ngx_uint_t status, ngx_str_t *document)
{
    u_char     *p;
    ngx_str_t  *detail;

    static ngx_str_t  fine = ngx_string("Messages can be sent and delivered.");
    static ngx_str_t  drained = ngx_string("This nginx is drained.");

    detail = report->drain == NGX_OK ? &drained
             : report->faults.nelts ? report->faults.elts : &fine;

    p = ngx_pnalloc(report->pool, 512 + fine.len + drained.len
                    + 2 * ngx_leaseloft_report_size(&report->faults)
                    + ngx_leaseloft_report_size(&report->advice));
    if (p == NULL) {
        return NGX_ERROR;
    }

    document->data = p;

    p = ngx_sprintf(p, "{\"type\":\"about:blank\",\"title\":\"%s\","
                    "\"status\":%ui,\"detail\":",
                    status == NGX_HTTP_OK ? "OK" : "Service Unavailable",
                    status);
    p = ngx_leaseloft_report_string(p, detail);
    p = ngx_sprintf(p, ",\"nginx\":\"%s\",\"redis\":\"%s\","
                    "\"workers\":\"%s\",\"drained\":%s,"
                    "\"slots\":{\"all\":%d,\"reachable\":%ui},\"faults\":",
                    report->nginx, report->redis, report->workers,
                    report->drain == NGX_OK ? "true" : "false", LL_SLOTS,
                    ngx_leaseloft_cluster_reachable(report->process->cluster));
    p = ngx_leaseloft_report_list(p, &report->faults);
    p = ngx_cpymem(p, ",\"advice\":", sizeof(",\"advice\":") - 1);
    p = ngx_leaseloft_report_list(p, &report->advice);
    *p++ = '}';

    document->len = p - document->data;

    return NGX_OK;
}
