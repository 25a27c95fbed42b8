
/*
 * Headers and query parameters of requests, headers of responses.  All data
 * belongs to the request.
 */


#include "ngx_leaseloft_compat.h"
#include "ngx_leaseloft_header.h"


ngx_int_t
ngx_leaseloft_header_add(ngx_http_request_t *r, char *name, ngx_str_t *value)
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

    /* lets gzip weaken it */
    if (ngx_strcmp(name, "ETag") == 0) {
        r->headers_out.etag = h;
    }

    return NGX_OK;
}


ngx_str_t *
ngx_leaseloft_header_find(ngx_http_request_t *r, ngx_str_t *name)
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


/*
 * The weak comparison (RFC 9110, 8.8.3.2): "W/" has been skipped, and a coding
 * applied by a proxy is ignored.  nginx weakens the tag of a compressed
 * response; Apache inserts the coding's name before the closing quote
 * (mod_deflate.c, mod_brotli.c), and forwards such a tag unchanged.
 */
static ngx_uint_t
ngx_leaseloft_header_etag_is(u_char *p, u_char *last, ngx_str_t *etag)
{
    size_t      len;
    ngx_str_t  *coding;

    static ngx_str_t  codings[] = {
        ngx_string("\""),
        ngx_string("-gzip\""),
        ngx_string("-br\""),
        ngx_null_string
    };

    len = etag->len - 1;

    if ((size_t) (last - p) < len || ngx_memcmp(p, etag->data, len) != 0) {
        return 0;
    }

    p += len;

    for (coding = codings; coding->len; coding++) {

        if ((size_t) (last - p) >= coding->len
            && ngx_memcmp(p, coding->data, coding->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


ngx_uint_t
ngx_leaseloft_header_etag_matches(ngx_http_request_t *r, ngx_str_t *etag)
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

        if (ngx_leaseloft_header_etag_is(p, last, etag)) {
            return 1;
        }

        /* skip this tag: it may contain commas, but no quotes */
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
ngx_leaseloft_header_arg(ngx_http_request_t *r, char *name, ngx_str_t *value)
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
