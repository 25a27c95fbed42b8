
/*
 * What all endpoints have in common: the checks in the order of docs/http.md.
 */


#ifndef NGX_LEASELOFT_REQUEST_H
#define NGX_LEASELOFT_REQUEST_H


#include "ngx_leaseloft.h"


/* method, token, origin, property; leaves a refusal in ctx->status */
ngx_int_t ngx_leaseloft_request_preaccess(ngx_http_request_t *r);

/* answers the refusal, or calls the endpoint; the location's content handler */
ngx_int_t ngx_leaseloft_request_content(ngx_http_request_t *r);

/*
 * A directive that makes an endpoint of its location, whose post is a
 * ngx_leaseloft_endpoint_t: leaseloft_events $property; and its like
 */
char *ngx_leaseloft_request_endpoint(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* NGX_LEASELOFT_REQUEST_H */
