
/*
 * nginx's error pages in a location with an endpoint (413 by
 * client_max_body_size, 429 by limit_req, 500 ...) are replaced by problem
 * documents, unless error_page has redirected the request.  When a limit
 * refuses an event stream, it is replaced by a stream with a "bye" event, since
 * browsers do not reconnect after any status but 200.
 *
 * ngx_http_special_response.c sends the header of such a page, and then the
 * page unless the request is header-only.  So a header filter is enough: it
 * changes the header, sends the document, and marks the request header-only.
 */


#include "ngx_leaseloft_ctx.h"
#include "ngx_leaseloft_filter.h"
#include "ngx_leaseloft_header.h"
#include "ngx_leaseloft_plain.h"
#include "ngx_leaseloft_problem.h"
#include "ngx_leaseloft_response.h"
#include "ngx_leaseloft_frame.h"
#include "ngx_leaseloft_zone.h"


/* when a client of a refused stream reconnects, in ms */
#define NGX_LEASELOFT_FILTER_RETRY_MIN   10000
#define NGX_LEASELOFT_FILTER_RETRY_SPAN  50000


static ngx_int_t ngx_leaseloft_filter_header(ngx_http_request_t *r);
static ngx_uint_t ngx_leaseloft_filter_status(ngx_http_request_t *r);
static ngx_uint_t ngx_leaseloft_filter_limited_stream(ngx_http_request_t *r,
    ngx_uint_t status);
static void ngx_leaseloft_filter_count(ngx_http_request_t *r,
    ngx_uint_t status);
static ngx_int_t ngx_leaseloft_filter_bye(ngx_http_request_t *r);
static ngx_int_t ngx_leaseloft_filter_frame(ngx_http_request_t *r,
    ngx_leaseloft_frame_t *frame);
static ngx_int_t ngx_leaseloft_filter_page(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *type, ngx_str_t *page);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;


ngx_int_t
ngx_leaseloft_filter_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_leaseloft_filter_header;

    return NGX_OK;
}


static ngx_int_t
ngx_leaseloft_filter_header(ngx_http_request_t *r)
{
    ngx_str_t   document;
    ngx_uint_t  status;

    static ngx_str_t  type = ngx_string(NGX_LEASELOFT_PROBLEM_TYPE);

    status = ngx_leaseloft_filter_status(r);

    if (status == 0) {
        return ngx_http_next_header_filter(r);
    }

    if (ngx_leaseloft_filter_limited_stream(r, status)) {
        return ngx_leaseloft_filter_bye(r);
    }

    ngx_leaseloft_filter_count(r, status);

    if (ngx_leaseloft_problem_create(r, status, NULL, &document) != NGX_OK
        || ngx_leaseloft_problem_headers(r, status) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_leaseloft_filter_page(r, status, &type, &document);
}


/* the status of the problem document; 0: leave the response as it is */
static ngx_uint_t
ngx_leaseloft_filter_status(ngx_http_request_t *r)
{
    ngx_uint_t                 status;
    ngx_leaseloft_ctx_t       *ctx;
    ngx_leaseloft_loc_conf_t  *conf;

    /* err_status is set for nginx's pages, not for the text of a "return" */
    if (r != r->main || r->err_status < NGX_HTTP_BAD_REQUEST) {
        return 0;
    }

    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);

    if (conf->endpoints[0] == NULL) {
        return 0;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_leaseloft_module);
    status = r->headers_out.status;

    if (ctx && ctx->answered) {
        return 0;
    }

    /* any other reason to refuse a request precedes a limit */
    if (ctx && ctx->status >= NGX_HTTP_BAD_REQUEST
        && (status == NGX_HTTP_TOO_MANY_REQUESTS
            || status == NGX_HTTP_SERVICE_UNAVAILABLE))
    {
        status = ctx->status;
    }

    return status;
}


static ngx_uint_t
ngx_leaseloft_filter_limited_stream(ngx_http_request_t *r, ngx_uint_t status)
{
    ngx_leaseloft_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_leaseloft_module);

    return ctx && ctx->endpoint && ctx->endpoint->stream
           && (status == NGX_HTTP_TOO_MANY_REQUESTS
               || status == NGX_HTTP_SERVICE_UNAVAILABLE);
}


/* counts searches that a limit refuses */
static void
ngx_leaseloft_filter_count(ngx_http_request_t *r, ngx_uint_t status)
{
    ngx_leaseloft_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_leaseloft_module);

    if (status == NGX_HTTP_TOO_MANY_REQUESTS && ctx && ctx->endpoint
        && ctx->endpoint->search)
    {
        ngx_leaseloft_counters_add(ctx->process->zone,
                                   NGX_LEASELOFT_SEARCHES_REFUSED, 1);
    }
}


static ngx_int_t
ngx_leaseloft_filter_bye(ngx_http_request_t *r)
{
    ngx_int_t               rc;
    ngx_str_t               no;
    ngx_leaseloft_ctx_t    *ctx;
    ngx_leaseloft_event_t   event;
    ngx_leaseloft_frame_t  *frame;

    static ngx_str_t  overload = ngx_string("{\"reason\":\"overload\"}");

    ngx_memzero(&event, sizeof(ngx_leaseloft_event_t));

    ngx_str_set(&event.name, "bye");
    event.data = &overload;
    event.pieces = 1;
    event.retry = NGX_LEASELOFT_FILTER_RETRY_MIN
                  + ngx_random() % NGX_LEASELOFT_FILTER_RETRY_SPAN;

    ctx = ngx_http_get_module_ctx(r, ngx_leaseloft_module);
    ctx->answered = 1;

    r->headers_out.status = NGX_HTTP_OK;
    r->keepalive = 0;

    ngx_str_set(&no, "no");

    if (ngx_leaseloft_response_headers(r) != NGX_OK
        || ngx_leaseloft_header_add(r, "X-Accel-Buffering", &no) != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_leaseloft_plain_send_header(r, ngx_http_next_header_filter);

    if (rc == NGX_ERROR || rc > NGX_OK) {
        return rc;
    }

    frame = ngx_leaseloft_frame_create(&event, r->connection->log);
    if (frame == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_leaseloft_filter_frame(r, frame);

    ngx_leaseloft_frame_free(frame);

    r->header_only = 1;

    return rc;
}


/* sends a body of one frame, bypassing the body filters */
static ngx_int_t
ngx_leaseloft_filter_frame(ngx_http_request_t *r,
    ngx_leaseloft_frame_t *frame)
{
    ngx_buf_t    *b;
    ngx_chain_t   out;

    static u_char  last[] = "0" CRLF CRLF;

    b = ngx_create_temp_buf(r->pool, frame->chunk_len + sizeof(last));
    if (b == NULL) {
        return NGX_ERROR;
    }

    if (r->chunked) {
        b->last = ngx_cpymem(b->last, frame->chunk, frame->chunk_len);
        b->last = ngx_cpymem(b->last, last, sizeof(last) - 1);

    } else {
        b->last = ngx_cpymem(b->last, frame->event, frame->event_len);
    }

    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_write_filter(r, &out);
}


static ngx_int_t
ngx_leaseloft_filter_page(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_str_t *page)
{
    ngx_int_t             rc;
    ngx_buf_t            *b;
    ngx_chain_t           out;
    ngx_leaseloft_ctx_t  *ctx;

    ctx = ngx_leaseloft_ctx_get(r);
    b = ngx_calloc_buf(r->pool);

    if (ctx == NULL || b == NULL) {
        return NGX_ERROR;
    }

    ctx->answered = 1;

    /* as in ngx_leaseloft_response_send() */
    if (r->discard_body) {
        r->keepalive = 0;
    }

    r->headers_out.status = status;
    r->headers_out.content_type = *type;
    r->headers_out.content_type_len = type->len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.content_length_n = page->len;
    r->disable_not_modified = 1;

    if (ngx_leaseloft_response_headers(r) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_next_header_filter(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b->memory = 1;
    b->pos = page->data;
    b->last = page->data + page->len;
    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    rc = ngx_http_output_filter(r, &out);

    r->header_only = 1;

    return rc;
}
