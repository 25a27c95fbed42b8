
/*
 * What all endpoints have in common: the checks in the order of docs/http.md,
 * the headers, and problem documents (RFC 9457).
 */


#ifndef NGX_LEASELOFT_REQUEST_H
#define NGX_LEASELOFT_REQUEST_H


#include "ngx_leaseloft.h"


/* phase handlers and filters, installed by ngx_leaseloft_module.c */

/* method, token, origin, property; leaves a refusal in ctx->status */
ngx_int_t ngx_leaseloft_preaccess_handler(ngx_http_request_t *r);

/* answers the refusal, or calls the endpoint; the location's content handler */
ngx_int_t ngx_leaseloft_content_handler(ngx_http_request_t *r);

/* turns the error pages that nginx makes in our locations into problems */
ngx_int_t ngx_leaseloft_filter_init(ngx_conf_t *cf);

/*
 * Sends a whole response with the headers of contract and endpoint (caching,
 * nosniff, CORS).  body may be empty (204, 304) and is copied.  type may be
 * NULL when it is.  Returns what a content handler returns.
 */
ngx_int_t ngx_leaseloft_send_response(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *type, ngx_str_t *body);

/* the same with "application/json" */
ngx_int_t ngx_leaseloft_send_json(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body);

/*
 * Sends a problem document for one of 400, 401, 403, 404, 405, 413, 415, 429,
 * 500 and 503, with the headers that belong to it.  detail may be NULL.
 */
ngx_int_t ngx_leaseloft_send_problem(ngx_http_request_t *r,
    ngx_uint_t status, char *detail);

/* a document made elsewhere: by a worker, or of a type of its own */
ngx_int_t ngx_leaseloft_send_problem_document(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *document);

/*
 * The headers that every response of an endpoint carries, streams too:
 * nosniff, CORS, and Cache-Control, which for a stream that is accepted is
 * "no-store, no-transform".  To be called once, when headers_out.status is
 * set, before ngx_http_send_header().
 */
ngx_int_t ngx_leaseloft_common_headers(ngx_http_request_t *r);

ngx_int_t ngx_leaseloft_add_header(ngx_http_request_t *r, char *name,
    ngx_str_t *value);

/*
 * Ends a request that its handler held (NGX_DONE after r->main->count++):
 * finalizes it with rc and runs what that posted.  For callbacks from Redis
 * and from timers.
 */
void ngx_leaseloft_finalize(ngx_http_request_t *r, ngx_int_t rc);

/*
 * The query parameter, unescaped into r->pool.  NGX_OK, NGX_DECLINED when it
 * is absent (an empty one is present), NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_arg(ngx_http_request_t *r, char *name,
    ngx_str_t *value);

/*
 * Keeps r alive while its handler waits for Redis: counts it, and watches the
 * client.  gone(data) is called when the client went away or the request is
 * freed first, at most once, and not after ngx_leaseloft_finalize().
 */
ngx_int_t ngx_leaseloft_hold(ngx_http_request_t *r, void (*gone)(void *data),
    void *data);

/*
 * The same with a limit in ms of one's own.  When it is over, the hold ends,
 * and expired(data) is called in place of gone: it is to answer.  Holds of the
 * form above end after NGX_LEASELOFT_HOLD ms, which is more than the link
 * needs to find out that Redis is gone, with gone(data) and a 503; so do those
 * for which expired is NULL.
 */
#define NGX_LEASELOFT_HOLD  10000

ngx_int_t ngx_leaseloft_hold_for(ngx_http_request_t *r, ngx_msec_t limit,
    void (*expired)(void *data), void (*gone)(void *data), void *data);

/*
 * watches the client as a hold does, but does not count the request: for
 * phase handlers that return NGX_AGAIN
 */
ngx_int_t ngx_leaseloft_watch(ngx_http_request_t *r, ngx_msec_t limit,
    void (*expired)(void *data), void (*gone)(void *data), void *data);

/* ends hold or watch: neither gone nor expired will be called */
void ngx_leaseloft_release(ngx_http_request_t *r);

/*
 * Reads a JSON body of at most NGX_LEASELOFT_BODY bytes into r->pool, never by
 * way of a file; answers 408, 413 and 415 by itself.  done gets it, and returns
 * what a content handler returns.  To be returned by the content handler.
 *
 * Of a request that was refused before, done is not called: the refusal is
 * sent, once the body is there.
 */
#define NGX_LEASELOFT_BODY  65536

ngx_int_t ngx_leaseloft_read_body(ngx_http_request_t *r,
    ngx_int_t (*done)(ngx_http_request_t *r, ngx_str_t *body));

/* 1 when If-None-Match names etag, quotes included (RFC 9110, 13.1.2) */
ngx_uint_t ngx_leaseloft_etag_matches(ngx_http_request_t *r, ngx_str_t *etag);

/* the first request header of this name, in lower case; NULL: none */
ngx_str_t *ngx_leaseloft_header(ngx_http_request_t *r, ngx_str_t *name);

/* the request's ctx, made when it has none; NULL: no memory */
ngx_leaseloft_ctx_t *ngx_leaseloft_request_ctx(ngx_http_request_t *r);

/* leaseloft_allow_origin SCHEME://HOST[:PORT] ... */
char *ngx_leaseloft_request_origin(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* NGX_LEASELOFT_REQUEST_H */
