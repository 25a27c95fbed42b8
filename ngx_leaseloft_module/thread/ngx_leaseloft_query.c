
/*
 * Parses the arguments of a poll and builds its ETag.  The query belongs to
 * the caller; nothing is allocated.
 */


#include "ngx_leaseloft_header.h"
#include "ngx_leaseloft_query.h"


#define NGX_LEASELOFT_LIMIT      50
#define NGX_LEASELOFT_LIMIT_MAX  200


ngx_int_t
ngx_leaseloft_query_read(ngx_http_request_t *r,
    ngx_leaseloft_query_t *query)
{
    uint64_t   n;
    ngx_int_t  after, before, limit;
    ngx_str_t  value;

    query->mode = NGX_LEASELOFT_VIEW_NEWEST;
    query->limit = NGX_LEASELOFT_LIMIT;

    after = ngx_leaseloft_header_arg(r, "after", &value);

    if (after == NGX_OK) {
        query->mode = NGX_LEASELOFT_VIEW_AFTER;
        query->malformed = ll_cursor_decode((char *) value.data, value.len,
                                            &query->cursor)
                           != 0;
    }

    before = ngx_leaseloft_header_arg(r, "before", &value);

    if (before == NGX_OK) {
        query->mode = NGX_LEASELOFT_VIEW_BEFORE;
        query->malformed |= after == NGX_OK
                            || ll_cursor_decode_seq((char *) value.data,
                                                    value.len,
                                                    &query->cursor.seq)
                               != 0;
    }

    limit = ngx_leaseloft_header_arg(r, "limit", &value);

    if (limit == NGX_OK) {
        if (ll_cursor_decode_seq((char *) value.data, value.len, &n) == 0
            && n >= 1 && n <= NGX_LEASELOFT_LIMIT_MAX)
        {
            query->limit = n;

        } else {
            query->malformed = 1;
        }
    }

    return after == NGX_ERROR || before == NGX_ERROR || limit == NGX_ERROR
           ? NGX_ERROR : NGX_OK;
}


void
ngx_leaseloft_query_etag(ngx_leaseloft_query_t *query, u_char *digest,
    ngx_str_t *etag)
{
    u_char  *p;

    p = ngx_sprintf(etag->data, "\"%*s-%c", (size_t) 16, digest,
                    "xabn"[query->mode]);

    if (query->mode != NGX_LEASELOFT_VIEW_NEWEST) {
        p = ngx_sprintf(p, "%uL", query->cursor.seq);

        if (query->cursor.tagged) {
            p = ngx_sprintf(p, ".%*s", (size_t) LL_TAG_LEN, query->cursor.tag);
        }
    }

    p = ngx_sprintf(p, "-%ui\"", query->limit);

    etag->len = p - etag->data;
}
