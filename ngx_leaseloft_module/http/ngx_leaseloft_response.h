
/*
 * Responses: whole ones, and the headers that all have in common.
 */


#ifndef NGX_LEASELOFT_RESPONSE_H
#define NGX_LEASELOFT_RESPONSE_H


#include "ngx_leaseloft.h"


/*
 * Sends a whole response with the headers of contract and endpoint (caching,
 * nosniff, CORS).  body may be empty (204, 304) and is copied.  type may be
 * NULL when it is.  Returns what a content handler returns.
 */
ngx_int_t ngx_leaseloft_response_send(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *type, ngx_str_t *body);

/* the same with "application/json" */
ngx_int_t ngx_leaseloft_response_json(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body);

/* the same with 200, not copied: the body lies in the request's pool */
ngx_int_t ngx_leaseloft_send_page(ngx_http_request_t *r, ngx_str_t *body);

/*
 * Sends a problem document for one of 400, 401, 403, 404, 405, 413, 415, 429,
 * 500 and 503, with the headers that belong to it.  detail may be NULL.
 */
ngx_int_t ngx_leaseloft_response_problem(ngx_http_request_t *r,
    ngx_uint_t status, char *detail);

/* a document made elsewhere: by a worker, or of a type of its own */
ngx_int_t ngx_leaseloft_response_document(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *document);

/*
 * The headers that every response of an endpoint carries, streams too:
 * nosniff, CORS, and Cache-Control, which for a stream that is accepted is
 * "no-store, no-transform".  To be called once, when headers_out.status is
 * set, before ngx_http_send_header().
 */
ngx_int_t ngx_leaseloft_response_headers(ngx_http_request_t *r);

/* answers a CORS preflight (ngx_leaseloft_cors.h), as the others do */
ngx_int_t ngx_leaseloft_response_preflight(ngx_http_request_t *r);


#endif /* NGX_LEASELOFT_RESPONSE_H */
