
/*
 * Responses: their common headers, and complete ones.  Bodies are in the
 * request's pool.
 */


#include "ngx_leaseloft_cors.h"
#include "ngx_leaseloft_ctx.h"
#include "ngx_leaseloft_header.h"
#include "ngx_leaseloft_problem.h"
#include "ngx_leaseloft_response.h"


static ngx_int_t ngx_leaseloft_response_cache_header(ngx_http_request_t *r);
static ngx_int_t ngx_leaseloft_response_own(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *type, ngx_str_t *body);
static ngx_int_t ngx_leaseloft_response_body(ngx_http_request_t *r,
    ngx_str_t *body);


static ngx_str_t  ngx_leaseloft_json_type = ngx_string("application/json");


ngx_int_t
ngx_leaseloft_response_headers(ngx_http_request_t *r)
{
    static ngx_str_t  nosniff = ngx_string("nosniff");

    if (ngx_leaseloft_response_cache_header(r) != NGX_OK
        || ngx_leaseloft_header_add(r, "X-Content-Type-Options", &nosniff)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_leaseloft_cors_headers(r);
}


static ngx_int_t
ngx_leaseloft_response_cache_header(ngx_http_request_t *r)
{
    ngx_uint_t                 status;
    ngx_leaseloft_ctx_t       *ctx;
    ngx_leaseloft_endpoint_t  *endpoint;

    static ngx_str_t  stream = ngx_string("no-store, no-transform");
    static ngx_str_t  cached = ngx_string("private, no-cache");
    static ngx_str_t  none = ngx_string("no-store");

    ctx = ngx_http_get_module_ctx(r, ngx_leaseloft_module);
    endpoint = ctx ? ctx->endpoint : NULL;
    status = r->headers_out.status;

    if (endpoint && endpoint->stream && status == NGX_HTTP_OK) {
        return ngx_leaseloft_header_add(r, "Cache-Control", &stream);
    }

    if (endpoint && endpoint->cached
        && (status == NGX_HTTP_OK || status == NGX_HTTP_NOT_MODIFIED))
    {
        return ngx_leaseloft_header_add(r, "Cache-Control", &cached);
    }

    return ngx_leaseloft_header_add(r, "Cache-Control", &none);
}


ngx_int_t
ngx_leaseloft_response_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_str_t *body)
{
    ngx_str_t  own;

    if (body == NULL || body->len == 0) {
        return ngx_leaseloft_response_own(r, status, type, body);
    }

    own.len = body->len;
    own.data = ngx_pstrdup(r->pool, body);

    if (own.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_leaseloft_response_own(r, status, type, &own);
}


/* sends a response with a body in the request's pool */
static ngx_int_t
ngx_leaseloft_response_own(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_str_t *body)
{
    ngx_int_t             rc;
    ngx_leaseloft_ctx_t  *ctx;

    ctx = ngx_leaseloft_ctx_get(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->answered = 1;

    /* do not send 100 Continue: the body is not needed */
    r->expect_tested = 1;

    /*
     * HAProxy 2.6 does not send the rest of a body after the response, but
     * reuses the connection: nginx would read the next request as the body
     */
    if (ngx_http_discard_request_body(r) != NGX_OK || r->reading_body
        || r->discard_body)
    {
        r->keepalive = 0;
    }

    r->headers_out.status = status;
    r->headers_out.content_length_n = -1;

    /* the caller has already evaluated conditional headers */
    r->disable_not_modified = 1;

    if (type) {
        r->headers_out.content_type = *type;
        r->headers_out.content_type_len = type->len;
        r->headers_out.content_type_lowcase = NULL;
        r->headers_out.content_length_n = body->len;
    }

    if (ngx_leaseloft_response_headers(r) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_leaseloft_response_body(r, body);
}


static ngx_int_t
ngx_leaseloft_response_body(ngx_http_request_t *r, ngx_str_t *body)
{
    ngx_buf_t    *b;
    ngx_chain_t   out;

    if (body->len == 0) {
        return ngx_http_send_special(r, NGX_HTTP_LAST);
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->start = body->data;
    b->pos = b->start;
    b->last = b->pos + body->len;
    b->end = b->last;
    b->temporary = 1;
    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


ngx_int_t
ngx_leaseloft_response_json(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body)
{
    return ngx_leaseloft_response_send(r, status, &ngx_leaseloft_json_type,
                                       body);
}


ngx_int_t
ngx_leaseloft_response_page(ngx_http_request_t *r, ngx_str_t *body)
{
    return ngx_leaseloft_response_own(r, NGX_HTTP_OK, &ngx_leaseloft_json_type,
                                      body);
}


ngx_int_t
ngx_leaseloft_response_problem(ngx_http_request_t *r, ngx_uint_t status,
    char *detail)
{
    ngx_str_t  document;

    if (ngx_leaseloft_problem_create(r, status, detail, &document) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_leaseloft_response_document(r, status, &document);
}


ngx_int_t
ngx_leaseloft_response_document(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *document)
{
    static ngx_str_t  type = ngx_string(NGX_LEASELOFT_PROBLEM_TYPE);

    if (ngx_leaseloft_problem_headers(r, status) != NGX_OK) {
        return NGX_ERROR;
    }

    /* closing the connection is cheaper than reading the rest of the body */
    if (status == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE) {
        r->keepalive = 0;
    }

    return ngx_leaseloft_response_send(r, status, &type, document);
}


ngx_int_t
ngx_leaseloft_response_preflight(ngx_http_request_t *r)
{
    u_char                    *p;
    ngx_str_t                  methods;
    ngx_uint_t                 i;
    ngx_leaseloft_loc_conf_t  *conf;
    u_char                     buf[NGX_LEASELOFT_ENDPOINTS * 16];

    static ngx_str_t  headers =
        ngx_string("Authorization, Content-Type, If-None-Match, Last-Event-ID, "
                   "LeaseLoft-User");
    static ngx_str_t  age = ngx_string("600");

    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);
    p = buf;

    for (i = 0; i < NGX_LEASELOFT_ENDPOINTS; i++) {
        if (conf->endpoints[i]) {
            p = ngx_slprintf(p, buf + sizeof(buf), p == buf ? "%V" : ", %V",
                             &conf->endpoints[i]->methods);
        }
    }

    methods.len = p - buf;
    methods.data = ngx_pnalloc(r->pool, methods.len);
    if (methods.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memcpy(methods.data, buf, methods.len);

    if (ngx_leaseloft_header_add(r, "Access-Control-Allow-Methods", &methods)
        != NGX_OK
        || ngx_leaseloft_header_add(r, "Access-Control-Allow-Headers",
                                    &headers)
           != NGX_OK
        || ngx_leaseloft_header_add(r, "Access-Control-Max-Age", &age)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_leaseloft_response_send(r, NGX_HTTP_NO_CONTENT, NULL, NULL);
}
