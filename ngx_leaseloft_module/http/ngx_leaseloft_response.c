
/*
 * Responses: the headers that they have in common, and whole ones.
 */


#include "ngx_leaseloft_compat.h"
#include "ngx_leaseloft_cors.h"
#include "ngx_leaseloft_problem.h"
#include "ngx_leaseloft_request.h"


static ngx_int_t ngx_leaseloft_cache_header(ngx_http_request_t *r);
static ngx_int_t ngx_leaseloft_send_body(ngx_http_request_t *r,
    ngx_str_t *body);


ngx_int_t
ngx_leaseloft_add_header(ngx_http_request_t *r, char *name, ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    ngx_leaseloft_header_alone(h);
    h->key.len = ngx_strlen(name);
    h->key.data = (u_char *) name;
    h->value = *value;

    /* so that gzip makes it a weak one */
    if (ngx_strcmp(name, "ETag") == 0) {
        r->headers_out.etag = h;
    }

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_common_headers(ngx_http_request_t *r)
{
    static ngx_str_t  nosniff = ngx_string("nosniff");

    if (ngx_leaseloft_cache_header(r) != NGX_OK
        || ngx_leaseloft_add_header(r, "X-Content-Type-Options", &nosniff)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_leaseloft_cors_headers(r);
}


static ngx_int_t
ngx_leaseloft_cache_header(ngx_http_request_t *r)
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
        return ngx_leaseloft_add_header(r, "Cache-Control", &stream);
    }

    if (endpoint && endpoint->cached
        && (status == NGX_HTTP_OK || status == NGX_HTTP_NOT_MODIFIED))
    {
        return ngx_leaseloft_add_header(r, "Cache-Control", &cached);
    }

    return ngx_leaseloft_add_header(r, "Cache-Control", &none);
}


ngx_int_t
ngx_leaseloft_send_response(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_str_t *body)
{
    ngx_int_t             rc;
    ngx_leaseloft_ctx_t  *ctx;

    ctx = ngx_leaseloft_request_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->answered = 1;

    /* who waits to be told to go on with the body need not send it now */
    r->expect_tested = 1;

    if (ngx_http_discard_request_body(r) != NGX_OK || r->reading_body) {
        r->keepalive = 0;
    }

    r->headers_out.status = status;
    r->headers_out.content_length_n = -1;

    /* conditions were looked at by whoever made this */
    r->disable_not_modified = 1;

    if (type) {
        r->headers_out.content_type = *type;
        r->headers_out.content_type_len = type->len;
        r->headers_out.content_type_lowcase = NULL;
        r->headers_out.content_length_n = body->len;
    }

    if (ngx_leaseloft_common_headers(r) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_leaseloft_send_body(r, body);
}


static ngx_int_t
ngx_leaseloft_send_body(ngx_http_request_t *r, ngx_str_t *body)
{
    ngx_buf_t    *b;
    ngx_chain_t   out;

    if (body->len == 0) {
        return ngx_http_send_special(r, NGX_HTTP_LAST);
    }

    b = ngx_create_temp_buf(r->pool, body->len);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->last = ngx_cpymem(b->last, body->data, body->len);
    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


ngx_int_t
ngx_leaseloft_send_json(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body)
{
    static ngx_str_t  type = ngx_string("application/json");

    return ngx_leaseloft_send_response(r, status, &type, body);
}


ngx_int_t
ngx_leaseloft_send_problem(ngx_http_request_t *r, ngx_uint_t status,
    char *detail)
{
    ngx_str_t  document;

    if (ngx_leaseloft_problem_create(r, status, detail, &document) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_leaseloft_send_problem_document(r, status, &document);
}


ngx_int_t
ngx_leaseloft_send_problem_document(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *document)
{
    static ngx_str_t  type = ngx_string(NGX_LEASELOFT_PROBLEM_TYPE);

    if (ngx_leaseloft_problem_headers(r, status) != NGX_OK) {
        return NGX_ERROR;
    }

    /* rather a new connection than the rest of the body */
    if (status == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE) {
        r->keepalive = 0;
    }

    return ngx_leaseloft_send_response(r, status, &type, document);
}


ngx_str_t *
ngx_leaseloft_header(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return NULL;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].key.len == name->len
            && ngx_strncmp(h[i].lowcase_key, name->data, name->len) == 0)
        {
            return &h[i].value;
        }
    }
}


ngx_uint_t
ngx_leaseloft_etag_matches(ngx_http_request_t *r, ngx_str_t *etag)
{
    u_char  *p, *last;

    if (r->headers_in.if_none_match == NULL) {
        return 0;
    }

    p = r->headers_in.if_none_match->value.data;
    last = p + r->headers_in.if_none_match->value.len;

    if (last - p == 1 && *p == '*') {
        return 1;
    }

    while (p < last) {

        if (last - p > 2 && p[0] == 'W' && p[1] == '/') {
            p += 2;
        }

        if ((size_t) (last - p) >= etag->len
            && ngx_memcmp(p, etag->data, etag->len) == 0)
        {
            return 1;
        }

        /* to the end of this one; a tag holds no quotes, but commas */
        if (*p == '"') {
            p = ngx_strlchr(p + 1, last, '"');

            if (p == NULL) {
                return 0;
            }
        }

        p++;

        while (p < last && (*p == ' ' || *p == '\t' || *p == ',')) {
            p++;
        }
    }

    return 0;
}


ngx_int_t
ngx_leaseloft_arg(ngx_http_request_t *r, char *name, ngx_str_t *value)
{
    size_t   len;
    u_char  *p, *last, *end, *dst, *src;

    len = ngx_strlen(name);
    p = r->args.data;
    last = p + r->args.len;

    for ( /* void */ ; p < last; p = end + 1) {

        end = ngx_strlchr(p, last, '&');
        if (end == NULL) {
            end = last;
        }

        if ((size_t) (end - p) < len || ngx_strncmp(p, name, len) != 0
            || (p + len < end && p[len] != '='))
        {
            continue;
        }

        src = ngx_min(p + len + 1, end);

        dst = ngx_pnalloc(r->pool, end - src + 1);
        if (dst == NULL) {
            return NGX_ERROR;
        }

        value->data = dst;
        ngx_unescape_uri(&dst, &src, end - src, 0);
        value->len = dst - value->data;

        return NGX_OK;
    }

    return NGX_DECLINED;
}
