
/*
 * With the headers of a browser a stream took 9.5 kB.  2 kB of them were the
 * buffer of the request headers and 2 kB the lists of headers, which are unused
 * after the first event.
 *
 * nginx can free single allocations that are larger than the pool's blocks.  A
 * small request_pool_size makes more of them, and so makes streams smaller.
 * The pool itself is freed when the request is hibernated
 * (ngx_leaseloft_stream_hibernate.c).
 *
 * Only the request line of the buffer is kept.  Pointers into it are adjusted;
 * a variable that points elsewhere into the buffer, such as one of a header,
 * becomes invalid.
 */


#include "ngx_leaseloft_stream_shrink.h"


typedef struct {
    u_char     *start;
    u_char     *end;
    ptrdiff_t   moved;
} ngx_leaseloft_stream_shrink_line_t;


static void ngx_leaseloft_stream_shrink_variables(ngx_http_request_t *r,
    ngx_leaseloft_stream_shrink_line_t *line);
static void ngx_leaseloft_stream_shrink_buffers(ngx_http_request_t *r);
static void ngx_leaseloft_stream_shrink_headers_in(ngx_http_request_t *r);
static void ngx_leaseloft_stream_shrink_headers_out(ngx_http_request_t *r);


static ngx_inline void
ngx_leaseloft_stream_shrink_move(ngx_leaseloft_stream_shrink_line_t *line,
    u_char **p)
{
    if (*p >= line->start && *p <= line->end) {
        *p += line->moved;
    }
}


/* bytes after the headers are a pipelined request, or a body not read yet */
static ngx_uint_t
ngx_leaseloft_stream_shrink_possible(ngx_http_request_t *r)
{
    return r == r->main && r->http_version < NGX_HTTP_VERSION_20
           && r->header_in && r->header_in->pos == r->header_in->last
           && r->request_line.len && !r->reading_body && !r->discard_body;
}


static ngx_uint_t
ngx_leaseloft_stream_shrink_within(ngx_buf_t *b, u_char *p)
{
    return b->start && p >= b->start && p < b->end;
}


/* 1: in a header buffer, but not in the request line */
static ngx_uint_t
ngx_leaseloft_stream_shrink_freed(ngx_http_request_t *r,
    ngx_leaseloft_stream_shrink_line_t *line, u_char *p)
{
    ngx_chain_t  *cl;

    if (p >= line->start && p < line->end) {
        return 0;
    }

    for (cl = r->http_connection->busy; cl; cl = cl->next) {
        if (ngx_leaseloft_stream_shrink_within(cl->buf, p)) {
            return 1;
        }
    }

    return ngx_leaseloft_stream_shrink_within(r->connection->buffer, p);
}


size_t
ngx_leaseloft_stream_shrink_size(ngx_http_request_t *r)
{
    return r->request_line.len + r->headers_in.server.len;
}


ngx_int_t
ngx_leaseloft_stream_shrink(ngx_http_request_t *r, ngx_pool_t *pool)
{
    u_char                             *p, *server;
    ngx_leaseloft_stream_shrink_line_t  line;

    if (!ngx_leaseloft_stream_shrink_possible(r)) {
        return NGX_DECLINED;
    }

    p = ngx_pnalloc(pool, ngx_leaseloft_stream_shrink_size(r));
    if (p == NULL) {
        return NGX_DECLINED;
    }

    server = ngx_cpymem(p, r->request_line.data, r->request_line.len);
    ngx_memcpy(server, r->headers_in.server.data, r->headers_in.server.len);

    line.start = r->request_line.data;
    line.end = line.start + r->request_line.len;
    line.moved = p - line.start;

    ngx_leaseloft_stream_shrink_variables(r, &line);

    ngx_leaseloft_stream_shrink_move(&line, &r->request_line.data);
    ngx_leaseloft_stream_shrink_move(&line, &r->method_name.data);
    ngx_leaseloft_stream_shrink_move(&line, &r->http_protocol.data);
    ngx_leaseloft_stream_shrink_move(&line, &r->unparsed_uri.data);
    ngx_leaseloft_stream_shrink_move(&line, &r->uri.data);
    ngx_leaseloft_stream_shrink_move(&line, &r->args.data);
    ngx_leaseloft_stream_shrink_move(&line, &r->exten.data);
    ngx_leaseloft_stream_shrink_move(&line, &r->schema.data);

#if (NGX_PCRE)

    /* the string of $1 may be a header, which is freed */

    if (ngx_leaseloft_stream_shrink_freed(r, &line, r->captures_data)) {
        r->ncaptures = 0;
    }

    ngx_leaseloft_stream_shrink_move(&line, &r->captures_data);

#endif

    r->headers_in.server.data = server;

    ngx_leaseloft_stream_shrink_buffers(r);
    ngx_leaseloft_stream_shrink_headers_in(r);
    ngx_leaseloft_stream_shrink_headers_out(r);

    return NGX_OK;
}


static void
ngx_leaseloft_stream_shrink_variables(ngx_http_request_t *r,
    ngx_leaseloft_stream_shrink_line_t *line)
{
    ngx_uint_t                  i;
    ngx_http_variable_value_t  *v;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);

    for (i = 0; i < cmcf->variables.nelts; i++) {
        v = &r->variables[i];

        if (!v->valid) {
            continue;
        }

        if (v->data >= line->start && v->data < line->end) {
            v->data += line->moved;
            continue;
        }

        if (ngx_leaseloft_stream_shrink_freed(r, line, v->data)) {
            v->valid = 0;
        }
    }
}


static void
ngx_leaseloft_stream_shrink_free(ngx_pool_t *pool, ngx_buf_t *b)
{
    if (b->start && ngx_pfree(pool, b->start) == NGX_OK) {
        b->start = NULL;
        b->pos = NULL;
        b->last = NULL;
        b->end = NULL;
    }
}


/* the buffers are in the connection's pool: a small one, and large ones */
static void
ngx_leaseloft_stream_shrink_buffers(ngx_http_request_t *r)
{
    ngx_chain_t             *cl;
    ngx_connection_t        *c;
    ngx_http_connection_t   *hc;

    c = r->connection;
    hc = r->http_connection;

    for (cl = hc->busy; cl; cl = cl->next) {
        ngx_leaseloft_stream_shrink_free(c->pool, cl->buf);
    }

    for (cl = hc->free; cl; cl = cl->next) {
        ngx_leaseloft_stream_shrink_free(c->pool, cl->buf);
    }

    hc->busy = NULL;
    hc->nbusy = 0;
    hc->free = NULL;

    ngx_leaseloft_stream_shrink_free(c->pool, c->buffer);
    r->header_in = c->buffer;
}


static void
ngx_leaseloft_stream_shrink_list(ngx_pool_t *pool, ngx_list_t *list)
{
    ngx_list_part_t  *part;

    for (part = &list->part; part; part = part->next) {
        if (part->elts) {
            ngx_pfree(pool, part->elts);
        }
    }

    /* no headers are added after the response headers have been sent */

    ngx_memzero(list, sizeof(ngx_list_t));
    list->last = &list->part;
}


static void
ngx_leaseloft_stream_shrink_headers_in(ngx_http_request_t *r)
{
    ngx_str_t               server;
    ngx_http_headers_in_t  *headers;

    headers = &r->headers_in;

    ngx_leaseloft_stream_shrink_list(r->pool, &headers->headers);

    server = headers->server;
    ngx_memzero(headers, sizeof(ngx_http_headers_in_t));

    headers->headers.last = &headers->headers.part;
    headers->server = server;
    headers->content_length_n = -1;
    headers->keep_alive_n = -1;
}


static void
ngx_leaseloft_stream_shrink_headers_out(ngx_http_request_t *r)
{
    ngx_uint_t               status;
    ngx_str_t                type, line;
    ngx_http_headers_out_t  *headers;

    headers = &r->headers_out;

    ngx_leaseloft_stream_shrink_list(r->pool, &headers->headers);

    if (headers->trailers.part.nelts == 0) {
        ngx_leaseloft_stream_shrink_list(r->pool, &headers->trailers);
    }

    status = headers->status;
    line = headers->status_line;
    type = headers->content_type;
    ngx_memzero(headers, sizeof(ngx_http_headers_out_t));

    headers->headers.last = &headers->headers.part;
    headers->trailers.last = &headers->trailers.part;
    headers->status = status;
    headers->status_line = line;
    headers->content_type = type;
    headers->content_type_len = type.len;
    headers->content_length_n = -1;
    headers->last_modified_time = -1;
}


void
ngx_leaseloft_stream_shrink_ssl(ngx_http_request_t *r)
{
#if (NGX_HTTP_SSL)

    ngx_connection_t  *c;

    c = r->connection;

    /* with HTTP/2 all streams of the connection share the buffer */

    if (c->ssl && !c->buffered && r->http_version < NGX_HTTP_VERSION_20) {
        ngx_ssl_free_buffer(c);
    }

#endif
}
