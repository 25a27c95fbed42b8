
/*
 * What health reports: sentences of faults and advice, as JSON.
 */


#ifndef NGX_LEASELOFT_REPORT_H
#define NGX_LEASELOFT_REPORT_H


#include "ngx_leaseloft.h"


typedef struct {
    ngx_pool_t                 *pool;
    ngx_leaseloft_process_t    *process;
    ngx_array_t                 faults;    /* of ngx_str_t: sentences */
    ngx_array_t                 advice;
    ngx_int_t                   drain;     /* NGX_OK: the drain file exists */
    char                       *nginx;     /* "up", "down" or "unknown" */
    char                       *redis;
    char                       *workers;
} ngx_leaseloft_report_t;


/*
 * Prepares a report without faults, whose memory is that of the pool: NGX_OK or
 * NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_report_init(ngx_leaseloft_report_t *report,
    ngx_leaseloft_process_t *process, ngx_pool_t *pool);

/*
 * Adds a sentence, formatted as by ngx_sprintf(), to the faults or the advice;
 * without memory, does nothing.
 */
void ngx_leaseloft_report_say(ngx_leaseloft_report_t *report,
    ngx_array_t *list, char *fmt, ...);

/*
 * Sets document to the JSON for a response of this status: NGX_OK or NGX_ERROR.
 * The members are in docs/http.md: the same, of the same types, always.
 */
ngx_int_t ngx_leaseloft_report_document(ngx_leaseloft_report_t *report,
    ngx_uint_t status, ngx_str_t *document);


#endif /* NGX_LEASELOFT_REPORT_H */
