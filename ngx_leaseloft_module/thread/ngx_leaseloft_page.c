
/*
 * Pages of entries, read by number from the stream of a thread in Redis.  A
 * page belongs to its caller; its entries point into the reply of Redis, or
 * into a copy in the caller's pool.
 */


#include "ngx_leaseloft_page.h"
#include "ngx_leaseloft_reply.h"
#include "ngx_leaseloft_view.h"


ngx_int_t
ngx_leaseloft_page_of_view(ngx_http_request_t *r, ngx_str_t *property,
    ngx_leaseloft_view_t *view, ngx_leaseloft_page_t *page)
{
    ngx_str_t   tag;
    ngx_uint_t  i;

    page->n = view->entries.n;
    page->first = view->entries.first;
    page->entries = ngx_palloc(r->pool, page->n * sizeof(ngx_str_t) + 1);

    if (page->entries == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < page->n; i++) {
        if (ngx_leaseloft_entries_get(&view->entries, i, &tag,
                                      &page->entries[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (tag.len == 0) {
            ngx_leaseloft_view_lost(property, page->first + i,
                                    r->connection->log);
        }
    }

    return NGX_OK;
}


ngx_leaseloft_command_t *
ngx_leaseloft_page_ask(ngx_leaseloft_cluster_t *cluster, ngx_str_t *property,
    uint64_t from, uint64_t before, ngx_uint_t limit,
    ngx_leaseloft_reply_pt handler, void *data)
{
    char       key[LL_KEY_MAX];
    u_char     numbers[3 * NGX_INT64_LEN], *p;
    ngx_str_t  argv[6];

    ngx_str_set(&argv[0], "XREVRANGE");
    argv[1].data = (u_char *) key;
    argv[1].len = ll_keys_property(key, LL_KEY_THREAD,
                                   (char *) property->data, property->len);

    p = numbers;

    if (before) {
        argv[2].data = p;
        p = ngx_sprintf(p, "%uL", before - 1);
        argv[2].len = p - argv[2].data;

    } else {
        ngx_str_set(&argv[2], "+");
    }

    argv[3].data = p;
    p = ngx_sprintf(p, "%uL", from);
    argv[3].len = p - argv[3].data;

    ngx_str_set(&argv[4], "COUNT");

    argv[5].data = p;
    argv[5].len = ngx_sprintf(p, "%ui", limit) - p;

    return ngx_leaseloft_cluster_command(cluster, &argv[1], 6, argv, handler,
                                         data);
}


/* [ "SEQ-0", [ "e", ENTRY, ... ] ] */
static ngx_int_t
ngx_leaseloft_page_item(redisReply *item, uint64_t *seq, ngx_str_t *entry)
{
    u_char     *dash;
    ngx_str_t   id, name;

    if (ngx_leaseloft_reply_string(item, 0, &id) != NGX_OK
        || item->elements != 2
        || ngx_leaseloft_reply_string(item->element[1], 0, &name) != NGX_OK
        || ngx_leaseloft_reply_string(item->element[1], 1, entry) != NGX_OK
        || name.len != 1 || name.data[0] != 'e')
    {
        return NGX_ERROR;
    }

    dash = ngx_strlchr(id.data, id.data + id.len, '-');

    return dash && ll_cursor_decode_seq((char *) id.data, dash - id.data, seq)
                   == 0
           ? NGX_OK : NGX_ERROR;
}


/*
 * Fills the page from a list in descending order without gaps, up to the
 * limit of bytes; size is set to the bytes of its entries.
 */
static ngx_int_t
ngx_leaseloft_page_items(redisReply *reply, ngx_leaseloft_page_t *page,
    size_t *size)
{
    size_t      i;
    uint64_t    seq;
    ngx_str_t  *entry;

    *size = 0;

    for (i = 0; i < reply->elements && *size <= NGX_LEASELOFT_PAGE_BYTES; i++)
    {
        entry = &page->entries[reply->elements - 1 - i];

        if (ngx_leaseloft_page_item(reply->element[i], &seq, entry) != NGX_OK
            || (i && seq != page->first - 1))
        {
            return NGX_ERROR;
        }

        *size += entry->len;
        page->first = seq;
    }

    page->entries += reply->elements - i;
    page->n = i;
    page->full = *size > NGX_LEASELOFT_PAGE_BYTES;

    return NGX_OK;
}


void
ngx_leaseloft_page_read(ngx_pool_t *pool, redisReply *reply,
    ngx_leaseloft_page_t *page)
{
    size_t       size;
    u_char      *p;
    ngx_uint_t   i;

    if (reply->type != REDIS_REPLY_ARRAY) {
        return;
    }

    page->entries = ngx_palloc(pool, reply->elements * sizeof(ngx_str_t) + 1);

    if (page->entries == NULL
        || ngx_leaseloft_page_items(reply, page, &size) != NGX_OK)
    {
        return;
    }

    page->bytes = ngx_pnalloc(pool, size + 1);
    if (page->bytes == NULL) {
        return;
    }

    p = page->bytes;

    for (i = 0; i < page->n; i++) {
        size = page->entries[i].len;
        ngx_memcpy(p, page->entries[i].data, size);
        page->entries[i].data = p;
        p += size;
    }

    page->read = 1;
}


ngx_int_t
ngx_leaseloft_page_fit(ngx_leaseloft_page_t *page, ngx_leaseloft_view_t *view,
    uint64_t last)
{
    ngx_uint_t  outside;

    if (!page->read || view->window != NGX_LEASELOFT_WINDOW_OPEN) {
        return NGX_DECLINED;
    }

    if (last < view->from) {
        page->n = 0;
        return NGX_OK;
    }

    if (page->n == 0 || page->first + page->n - 1 != last) {
        return NGX_DECLINED;
    }

    if (page->first < view->from) {
        outside = view->from - page->first;
        page->entries += outside;
        page->n -= outside;
        page->first = view->from;
    }

    view->more = page->first > view->from;

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_page_body(ngx_pool_t *pool, ngx_str_t *base,
    ngx_leaseloft_view_t *view, ngx_leaseloft_page_t *page, ngx_str_t *body)
{
    size_t       size;
    u_char      *p;
    ngx_uint_t   i, n;

    n = view ? page->n : 0;
    size = base->len + sizeof(",\"reset\":true,\"more\":true,\"entries\":[]}");

    for (i = 0; i < n; i++) {
        size += page->entries[i].len + 1;
    }

    p = ngx_pnalloc(pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->data = p;
    p = ngx_cpymem(p, base->data, base->len);

    if (view && view->reset) {
        p = ngx_sprintf(p, ",\"reset\":true");
    }

    if (view && view->more) {
        p = ngx_sprintf(p, ",\"more\":true");
    }

    p = ngx_sprintf(p, ",\"entries\":[");

    for (i = 0; i < n; i++) {
        if (i) {
            *p++ = ',';
        }

        p = ngx_cpymem(p, page->entries[i].data, page->entries[i].len);
    }

    *p++ = ']';
    *p++ = '}';
    body->len = p - body->data;

    /* the body has a copy, which is kept until the client has read it */

    if (n && page->bytes) {
        ngx_pfree(pool, page->bytes);
        page->bytes = NULL;
    }

    return NGX_OK;
}
