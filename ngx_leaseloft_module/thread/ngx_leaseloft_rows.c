
/*
 * A reply is { 0, first, number, { kind, entry, salt, hash, sender, … } } or
 * { 1, first, number, segment }.  Stored data is not trusted.
 */


#include "ngx_leaseloft_reply.h"
#include "ngx_leaseloft_rows.h"


enum {
    NGX_LEASELOFT_ROWS_SEALED = 0,
    NGX_LEASELOFT_ROWS_FIRST,
    NGX_LEASELOFT_ROWS_NUMBER,
    NGX_LEASELOFT_ROWS_DATA,
    NGX_LEASELOFT_ROWS_ELEMENTS
};


/* strings of an entry */
enum {
    NGX_LEASELOFT_ROW_KIND = 0,
    NGX_LEASELOFT_ROW_ENTRY,
    NGX_LEASELOFT_ROW_SALT,
    NGX_LEASELOFT_ROW_HASH,
    NGX_LEASELOFT_ROW_SENDER,
    NGX_LEASELOFT_ROW_FIELDS
};


static ngx_int_t ngx_leaseloft_rows_sealed(redisReply *reply, uint64_t start,
    ngx_uint_t size, uint64_t first, uint64_t last, ngx_leaseloft_rows_pt take,
    void *data, ngx_log_t *log);
static ngx_int_t ngx_leaseloft_rows_entry(redisReply *list, size_t i,
    ll_segment_entry_t *entry);


ngx_int_t
ngx_leaseloft_rows_read(redisReply *reply, uint64_t first, uint64_t last,
    ngx_leaseloft_rows_pt take, void *data, ngx_log_t *log)
{
    uint64_t             sealed, start, n, i;
    ngx_int_t            rc;
    redisReply          *list;
    ll_segment_entry_t   entry;

    if (reply->type != REDIS_REPLY_ARRAY
        || reply->elements != NGX_LEASELOFT_ROWS_ELEMENTS
        || ngx_leaseloft_reply_number(reply, NGX_LEASELOFT_ROWS_SEALED,
                                      &sealed) != NGX_OK
        || ngx_leaseloft_reply_number(reply, NGX_LEASELOFT_ROWS_FIRST, &start)
           != NGX_OK
        || ngx_leaseloft_reply_number(reply, NGX_LEASELOFT_ROWS_NUMBER, &n)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (first < start || first - start >= n) {
        return NGX_DECLINED;
    }

    if (sealed) {
        return ngx_leaseloft_rows_sealed(reply, start, n, first, last, take,
                                         data, log);
    }

    list = reply->element[NGX_LEASELOFT_ROWS_DATA];

    if (list->type != REDIS_REPLY_ARRAY
        || list->elements / NGX_LEASELOFT_ROW_FIELDS != n)
    {
        return NGX_ERROR;
    }

    for (i = first - start; i < n && start + i <= last; i++) {
        ngx_memzero(&entry, sizeof(ll_segment_entry_t));
        entry.seq = start + i;

        rc = ngx_leaseloft_rows_entry(list, i, &entry);

        if (rc != NGX_OK || take(data, &entry) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_leaseloft_rows_entry(redisReply *list, size_t i, ll_segment_entry_t *entry)
{
    u_char      kind;
    ngx_str_t   s[NGX_LEASELOFT_ROW_FIELDS];
    ngx_uint_t  n, salt, hash;

    for (n = 0; n < NGX_LEASELOFT_ROW_FIELDS; n++) {
        if (ngx_leaseloft_reply_string(list, i * NGX_LEASELOFT_ROW_FIELDS + n,
                                       &s[n]) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    kind = s[NGX_LEASELOFT_ROW_KIND].len ? s[NGX_LEASELOFT_ROW_KIND].data[0]
                                         : '\0';

    switch (kind) {

    case 'l':
        entry->kind = LL_SEGMENT_LOST;
        salt = s[NGX_LEASELOFT_ROW_SALT].len;
        hash = s[NGX_LEASELOFT_ROW_HASH].len;
        break;

    case 'e':
        entry->kind = LL_SEGMENT_ERASED;
        entry->digest = s[NGX_LEASELOFT_ROW_SALT].data;
        entry->hash = s[NGX_LEASELOFT_ROW_HASH].data;
        salt = LL_SEGMENT_HASH;
        hash = LL_SEGMENT_HASH;
        break;

    default:
        entry->kind = LL_SEGMENT_WHOLE;
        entry->salt = s[NGX_LEASELOFT_ROW_SALT].data;
        entry->hash = s[NGX_LEASELOFT_ROW_HASH].data;
        salt = LL_SEGMENT_SALT;
        hash = LL_SEGMENT_HASH;
    }

    entry->entry = (char *) s[NGX_LEASELOFT_ROW_ENTRY].data;
    entry->len = s[NGX_LEASELOFT_ROW_ENTRY].len;

    return s[NGX_LEASELOFT_ROW_SALT].len == salt
           && s[NGX_LEASELOFT_ROW_HASH].len == hash
           && entry->len <= LL_ENTRY_MAX
           ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_leaseloft_rows_sealed(redisReply *reply, uint64_t start, ngx_uint_t size,
    uint64_t first, uint64_t last, ngx_leaseloft_rows_pt take, void *data,
    ngx_log_t *log)
{
    char                *text;
    ngx_int_t            rc;
    ngx_str_t            blob;
    ngx_pool_t          *pool;
    ll_segment_t         segment;
    ll_segment_entry_t   entry;

    if (ngx_leaseloft_reply_string(reply, NGX_LEASELOFT_ROWS_DATA, &blob)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    pool = ngx_create_pool(1024, log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_leaseloft_segment_open(pool, &blob, start, size, &segment, &text);

    while (rc == NGX_OK
           && ngx_leaseloft_segment_next(&segment, text, &entry) == NGX_OK)
    {
        if (entry.seq >= first && entry.seq <= last) {
            rc = take(data, &entry);
        }
    }

    ngx_destroy_pool(pool);

    return rc;
}
