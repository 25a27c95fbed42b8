
/*
 * The common part of all endpoints: checks, in the order of docs/http.md.
 */


#ifndef NGX_LEASELOFT_REQUEST_H
#define NGX_LEASELOFT_REQUEST_H


#include "ngx_leaseloft.h"


/*
 * The preaccess handler: checks method, token, origin, property and access.
 * The status of a refused request is stored in ctx->status.
 */
ngx_int_t ngx_leaseloft_request_preaccess(ngx_http_request_t *r);

/*
 * The precontent handler: does the same where leaseloft_user is set, as its
 * variable may be set in the access phase.
 */
ngx_int_t ngx_leaseloft_request_precontent(ngx_http_request_t *r);

/* the handler of the log phase: counts the response by endpoint and status */
ngx_int_t ngx_leaseloft_request_log(ngx_http_request_t *r);

/* the content handler: answers a refused request, or calls the endpoint */
ngx_int_t ngx_leaseloft_request_content(ngx_http_request_t *r);

/*
 * Parses a directive that adds endpoints to its location, such as
 * "leaseloft_events $property;".  cmd->post is a ngx_leaseloft_endpoint_t.
 */
char *ngx_leaseloft_request_endpoint(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* NGX_LEASELOFT_REQUEST_H */
