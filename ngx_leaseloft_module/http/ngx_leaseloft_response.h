
/*
 * Complete responses, and the headers that all responses have in common.
 */


#ifndef NGX_LEASELOFT_RESPONSE_H
#define NGX_LEASELOFT_RESPONSE_H


#include "ngx_leaseloft.h"


/*
 * Sends a complete response with the common headers (caching, nosniff, CORS).
 * body is copied and may be empty (204, 304); type may then be NULL.  Returns
 * what a content handler returns.
 */
ngx_int_t ngx_leaseloft_response_send(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *type, ngx_str_t *body);

/* the same, as "application/json" */
ngx_int_t ngx_leaseloft_response_json(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body);

/* the same, with 200; body must be in the request's pool and is not copied */
ngx_int_t ngx_leaseloft_response_page(ngx_http_request_t *r, ngx_str_t *body);

/*
 * Sends a problem document for one of 400, 401, 403, 404, 405, 413, 415, 429,
 * 500 and 503, with the headers that belong to it.  detail may be NULL for the
 * default sentence.  Returns what a content handler returns.
 */
ngx_int_t ngx_leaseloft_response_problem(ngx_http_request_t *r,
    ngx_uint_t status, char *detail);

/* the same, with a document created elsewhere, for example by a worker */
ngx_int_t ngx_leaseloft_response_document(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *document);

/*
 * Adds the headers of every response of an endpoint, streams included: nosniff,
 * CORS and Cache-Control, for an accepted stream "no-store, no-transform".
 * Call it once, after headers_out.status is set and before
 * ngx_http_send_header().  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_response_headers(ngx_http_request_t *r);

/* answers a CORS preflight; returns what a content handler returns */
ngx_int_t ngx_leaseloft_response_preflight(ngx_http_request_t *r);


#endif /* NGX_LEASELOFT_RESPONSE_H */
