
/*
 * Request bodies.
 *
 * They are read unbuffered into the request's pool: nginx itself would save a
 * body of unknown length in a temporary file, and file operations block.
 */


#include "ngx_leaseloft_body.h"
#include "ngx_leaseloft_response.h"


typedef struct {
    ngx_int_t                   (*done)(ngx_http_request_t *r, ngx_str_t *body);
    ngx_str_t                   body;
    size_t                      size;      /* allocated at body.data */
    ngx_msec_t                  begun;
    unsigned                    large:1;   /* the rest is discarded */
} ngx_leaseloft_body_t;


static ngx_int_t ngx_leaseloft_body_refuse(ngx_http_request_t *r,
    ngx_uint_t status);
static ngx_uint_t ngx_leaseloft_body_is_json(ngx_http_request_t *r);
static ngx_uint_t ngx_leaseloft_body_is_late(ngx_http_request_t *r,
    ngx_leaseloft_body_t *body);
static void ngx_leaseloft_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_leaseloft_body_receive(ngx_http_request_t *r,
    ngx_leaseloft_body_t *body);
static ngx_int_t ngx_leaseloft_body_take(ngx_http_request_t *r,
    ngx_leaseloft_body_t *body);
static ngx_int_t ngx_leaseloft_body_grow(ngx_http_request_t *r,
    ngx_leaseloft_body_t *body, size_t need);


ngx_int_t
ngx_leaseloft_body_read(ngx_http_request_t *r,
    ngx_int_t (*done)(ngx_http_request_t *r, ngx_str_t *body))
{
    ngx_int_t              rc;
    ngx_leaseloft_ctx_t   *ctx;
    ngx_leaseloft_body_t  *body;

    if (r->headers_in.content_length_n > NGX_LEASELOFT_BODY
        && r->http_version < NGX_HTTP_VERSION_20)
    {
        return ngx_leaseloft_body_refuse(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE);
    }

    body = ngx_pcalloc(r->pool, sizeof(ngx_leaseloft_body_t));
    if (body == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body->done = done;
    body->begun = ngx_current_msec;
    ngx_str_set(&body->body, "");

    ctx = ngx_http_get_module_ctx(r, ngx_leaseloft_module);
    ctx->data = body;

    r->request_body_no_buffering = 1;

    rc = ngx_http_read_client_request_body(r, ngx_leaseloft_body_handler);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    return NGX_DONE;
}


/* an earlier refusal of the request takes precedence */
static ngx_int_t
ngx_leaseloft_body_refuse(ngx_http_request_t *r, ngx_uint_t status)
{
    ngx_leaseloft_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_leaseloft_module);

    return ngx_leaseloft_response_problem(r, ctx->status ? ctx->status : status,
                                          NULL);
}


/* "application/json"; parameters are ignored (RFC 8259, 11 defines none) */
static ngx_uint_t
ngx_leaseloft_body_is_json(ngx_http_request_t *r)
{
    u_char     *p, *last;
    ngx_str_t   type = ngx_string("application/json");

    if (r->headers_in.content_type == NULL
        || r->headers_in.content_type->value.len < type.len)
    {
        return 0;
    }

    p = r->headers_in.content_type->value.data;
    last = p + r->headers_in.content_type->value.len;

    if (ngx_strncasecmp(p, type.data, type.len) != 0) {
        return 0;
    }

    for (p += type.len; p < last && (*p == ' ' || *p == '\t'); p++) {
        /* void */
    }

    return p == last || *p == ';';
}


/*
 * nginx's client_body_timeout limits the time between two reads only, so that a
 * slow client could keep a connection for days.  This limit on the whole body
 * is checked at each read.
 */
static ngx_uint_t
ngx_leaseloft_body_is_late(ngx_http_request_t *r, ngx_leaseloft_body_t *body)
{
    ngx_leaseloft_loc_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);

    return ngx_current_msec - body->begun >= conf->body_timeout;
}


/* the read event handler, also called once by nginx to start */
static void
ngx_leaseloft_body_handler(ngx_http_request_t *r)
{
    ngx_int_t              rc;
    ngx_leaseloft_ctx_t   *ctx;
    ngx_leaseloft_body_t  *body;

    ctx = ngx_http_get_module_ctx(r, ngx_leaseloft_module);
    body = ctx->data;

    r->read_event_handler = ngx_leaseloft_body_handler;

    /* NULL if nginx discarded the body before error_page redirected here */

    rc = r->request_body ? ngx_leaseloft_body_receive(r, body)
                         : NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;

    if (rc == NGX_AGAIN) {

        if (!ngx_leaseloft_body_is_late(r, body)) {
            return;
        }

        rc = NGX_HTTP_REQUEST_TIME_OUT;
    }

    r->read_event_handler = ngx_http_block_reading;

    if (rc == NGX_OK
        && (ctx->status || !ngx_leaseloft_body_is_json(r)))
    {
        rc = NGX_HTTP_UNSUPPORTED_MEDIA_TYPE;
    }

    switch (rc) {

    case NGX_OK:
        rc = body->done(r, &body->body);
        break;

    case NGX_HTTP_REQUEST_TIME_OUT:
        /* nginx would close the connection without sending the response */
        r->connection->timedout = 0;
        r->connection->read->timedout = 0;
        /* fall through */

    case NGX_HTTP_REQUEST_ENTITY_TOO_LARGE:
    case NGX_HTTP_UNSUPPORTED_MEDIA_TYPE:
        rc = ngx_leaseloft_body_refuse(r, rc);
        break;

    default:
        break;
    }

    ngx_http_finalize_request(r, rc);
}


/* NGX_OK: the body is complete; NGX_AGAIN; NGX_ERROR; or a status */
static ngx_int_t
ngx_leaseloft_body_receive(ngx_http_request_t *r, ngx_leaseloft_body_t *body)
{
    ngx_int_t   rc;
    ngx_uint_t  last;

    for ( ;; ) {

        last = !r->reading_body;

        if (!last) {
            rc = ngx_http_read_unbuffered_request_body(r);

            if (rc >= NGX_HTTP_SPECIAL_RESPONSE || rc == NGX_ERROR) {
                return rc;
            }

            last = rc == NGX_OK;
        }

        if (r->request_body->bufs == NULL && !last) {
            return NGX_AGAIN;
        }

        rc = ngx_leaseloft_body_take(r, body);

        if (rc != NGX_OK) {
            return rc;
        }

        /* see ngx_leaseloft_request_refuse() for HTTP/2 */
        if (body->large && (last || r->http_version < NGX_HTTP_VERSION_20)) {
            return NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
        }

        if (last) {
            return NGX_OK;
        }
    }
}


/* copies what nginx has read, so that nginx can reuse its buffer */
static ngx_int_t
ngx_leaseloft_body_take(ngx_http_request_t *r, ngx_leaseloft_body_t *body)
{
    size_t        size;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        b = cl->buf;
        size = b->last - b->pos;

        /* the last buffer may be empty */
        if (size == 0) {
            continue;
        }

        if (body->large || size > NGX_LEASELOFT_BODY - body->body.len) {
            body->large = 1;
            b->pos = b->last;
            continue;
        }

        if (ngx_leaseloft_body_grow(r, body, body->body.len + size)
            != NGX_OK)
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        ngx_memcpy(body->body.data + body->body.len, b->pos, size);
        body->body.len += size;

        b->pos = b->last;
    }

    r->request_body->bufs = NULL;

    return NGX_OK;
}


static ngx_int_t
ngx_leaseloft_body_grow(ngx_http_request_t *r, ngx_leaseloft_body_t *body,
    size_t need)
{
    size_t   size;
    u_char  *data;

    if (need <= body->size) {
        return NGX_OK;
    }

    if (r->headers_in.content_length_n >= (off_t) need
        && r->headers_in.content_length_n <= NGX_LEASELOFT_BODY)
    {
        size = r->headers_in.content_length_n;

    } else {
        size = ngx_max(ngx_max(1024, 2 * body->size), need);
    }

    data = ngx_pnalloc(r->pool, size);
    if (data == NULL) {
        return NGX_ERROR;
    }

    if (body->body.len) {
        ngx_memcpy(data, body->body.data, body->body.len);
    }

    if (body->size > r->pool->max) {
        ngx_pfree(r->pool, body->body.data);
    }

    body->body.data = data;
    body->size = size;

    return NGX_OK;
}
