
/*
 * Streams and downloads bypass the body filters, but their headers pass the
 * header filters, which add the headers that the operator configured.  Modules
 * that transform a body change the header in their header filter: a coding,
 * another length, type or charset, a range.  Their conditions differ, so no
 * setting of a stream disables all of them.
 *
 * Therefore this module's header filter runs after theirs ("config" sets its
 * position) and restores the header of a body that is sent unchanged.
 *
 * A header filter may also delay the header until its body filter receives the
 * body (image_filter, xslt_stylesheet).  This filter is not reached then, and
 * is called directly.
 */


#include "ngx_leaseloft_ctx.h"
#include "ngx_leaseloft_plain.h"


static ngx_int_t ngx_leaseloft_plain_filter(ngx_http_request_t *r);
static void ngx_leaseloft_plain_restore(ngx_http_request_t *r);
static void ngx_leaseloft_plain_remove(ngx_http_request_t *r);
static ngx_int_t ngx_leaseloft_plain_init(ngx_conf_t *cf);


static ngx_http_module_t  ngx_leaseloft_plain_module_ctx = {
    NULL,                              /* preconfiguration */
    ngx_leaseloft_plain_init,          /* postconfiguration */

    NULL,                              /* create main configuration */
    NULL,                              /* init main configuration */

    NULL,                              /* create server configuration */
    NULL,                              /* merge server configuration */

    NULL,                              /* create location configuration */
    NULL                               /* merge location configuration */
};


ngx_module_t  ngx_leaseloft_plain_module = {
    NGX_MODULE_V1,
    &ngx_leaseloft_plain_module_ctx,   /* module context */
    NULL,                              /* module directives */
    NGX_HTTP_MODULE,                   /* module type */
    NULL,                              /* init master */
    NULL,                              /* init module */
    NULL,                              /* init process */
    NULL,                              /* init thread */
    NULL,                              /* exit thread */
    NULL,                              /* exit process */
    NULL,                              /* exit master */
    NGX_MODULE_V1_PADDING
};


/* headers that describe a body, and are written by nginx itself */
static ngx_str_t  ngx_leaseloft_plain_headers[] = {
    ngx_string("Accept-Ranges"),
    ngx_string("Content-Encoding"),
    ngx_string("Content-Length"),
    ngx_string("Content-Range"),
    ngx_string("Content-Type"),
    ngx_string("Transfer-Encoding"),
    ngx_null_string
};


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;


ngx_int_t
ngx_leaseloft_plain_send_header(ngx_http_request_t *r,
    ngx_http_output_header_filter_pt send)
{
    ngx_int_t             rc;
    ngx_leaseloft_ctx_t  *ctx;

    ctx = ngx_leaseloft_ctx_get(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    ctx->plain = 1;

    ngx_leaseloft_plain_restore(r);

    /* an EventSource does not reconnect after any status but 200 */

    r->disable_not_modified = 1;

    /* keeps gzip from allocating its state */

#if (NGX_HTTP_GZIP)
    r->gzip_tested = 1;
    r->gzip_ok = 0;
#endif

    rc = send(r);

    if (rc == NGX_OK && !r->header_sent) {
        ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                      "a header filter delayed the header of a stream: "
                      "bypassing it");

        return ngx_leaseloft_plain_filter(r);
    }

    return rc;
}


static ngx_int_t
ngx_leaseloft_plain_filter(ngx_http_request_t *r)
{
    ngx_leaseloft_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_leaseloft_module);

    if (ctx && ctx->plain) {
        ngx_leaseloft_plain_restore(r);
    }

    return ngx_http_next_header_filter(r);
}


static void
ngx_leaseloft_plain_restore(ngx_http_request_t *r)
{
    ngx_leaseloft_ctx_t  *ctx;

    ngx_leaseloft_plain_remove(r);

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.status_line.len = 0;

    ctx = ngx_http_get_module_ctx(r, ngx_leaseloft_module);

    if (ctx->endpoint && ctx->endpoint->type.len) {
        r->headers_out.content_type = ctx->endpoint->type;

    } else {
        ngx_str_set(&r->headers_out.content_type, "text/event-stream");
    }

    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    /* events (WHATWG HTML, 9.2.5) and JSON are always UTF-8 */

    ngx_str_null(&r->headers_out.charset);
    r->headers_out.override_charset = NULL;

    r->headers_out.content_encoding = NULL;
    r->headers_out.content_range = NULL;
    ngx_http_clear_content_length(r);
    ngx_http_clear_accept_ranges(r);

    r->header_only = 0;
    r->expect_trailers = 0;

#if (NGX_HTTP_GZIP)
    r->gzip_vary = 0;
#endif
}


static void
ngx_leaseloft_plain_remove(ngx_http_request_t *r)
{
    ngx_str_t        *name;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_out.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            for (name = ngx_leaseloft_plain_headers; name->len; name++) {

                if (h[i].key.len == name->len
                    && ngx_strncasecmp(h[i].key.data, name->data, name->len)
                       == 0)
                {
                    h[i].hash = 0;
                }
            }
        }
    }
}


static ngx_int_t
ngx_leaseloft_plain_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_leaseloft_plain_filter;

    return NGX_OK;
}
