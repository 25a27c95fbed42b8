
/*
 * Entries of a reply: those of the stream as Redis sends them, and those of
 * segments, which are decoded here and then limited as Redis limits others.
 */


#include "ngx_leaseloft_entries.h"
#include "ngx_leaseloft_reply.h"

#include "common/segment.h"


#define NGX_LEASELOFT_ENTRIES_MAX  1000

/* seconds between log messages about damaged segments */
#define NGX_LEASELOFT_ENTRIES_LOG  60

#define NGX_LEASELOFT_ENTRIES_AT   "1970-01-01T00:00:00.000Z"


/* the sealed entries of a reply, in its order */
enum {
    NGX_LEASELOFT_SEALED_FIRST = 0,
    NGX_LEASELOFT_SEALED_LAST,
    NGX_LEASELOFT_SEALED_SIZE,
    NGX_LEASELOFT_SEALED_BACKWARD,
    NGX_LEASELOFT_SEALED_BYTES,
    NGX_LEASELOFT_SEALED_SEGMENTS
};


/* the cursor to be compared */
enum {
    NGX_LEASELOFT_CHECK_SEQ = 0,
    NGX_LEASELOFT_CHECK_TAG,
    NGX_LEASELOFT_CHECK_SIZE,
    NGX_LEASELOFT_CHECK_SEGMENT,
    NGX_LEASELOFT_CHECK_ELEMENTS
};


static void
ngx_leaseloft_entries_damaged(ngx_str_t *property, uint64_t first,
    ngx_uint_t size, ngx_log_t *log)
{
    static time_t  next;

    if (ngx_time() < next) {
        return;
    }

    next = ngx_time() + NGX_LEASELOFT_ENTRIES_LOG;

    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "segment %uL of property \"%V\" is missing or damaged in "
                  "redis, its entries %uL to %uL are sent as lost",
                  (first - 1) / size, property, first, first + size - 1);
}


/* the time in an entry; NULL if it has none */
static u_char *
ngx_leaseloft_entries_time(ngx_str_t *text)
{
    u_char  *p, *end;

    end = text->data + text->len;
    p = ngx_strlcasestrn(text->data, end, (u_char *) "\"at\":\"", 6 - 1);

    return p && end - p >= 6 + LL_DATE_LEN ? p + 6 : NULL;
}


/*
 * Fills in the texts of entries whose segment is damaged: they have the time
 * of the entry before them in this reply, or else of the one after.
 */
static ngx_int_t
ngx_leaseloft_entries_lost(ngx_leaseloft_entries_t *entries)
{
    u_char                 *p, *at;
    ngx_uint_t              i, j;
    ngx_leaseloft_entry_t  *entry;

    at = NULL;

    for (i = 0; i < entries->n; i++) {
        entry = &entries->elts[i];

        if (entry->text.data) {
            p = ngx_leaseloft_entries_time(&entry->text);
            at = p ? p : at;
            continue;
        }

        for (j = i; at == NULL && j < entries->n; j++) {
            if (entries->elts[j].text.data) {
                at = ngx_leaseloft_entries_time(&entries->elts[j].text);
            }
        }

        if (at == NULL) {
            at = (u_char *) NGX_LEASELOFT_ENTRIES_AT;
        }

        p = ngx_pnalloc(entries->pool, NGX_INT64_LEN + LL_DATE_LEN
                        + sizeof("{\"seq\":,\"kind\":\"lost\",\"at\":\"\"}"));
        if (p == NULL) {
            return NGX_ERROR;
        }

        entry->text.data = p;
        entry->text.len = ngx_sprintf(p, "{\"seq\":%uL,\"kind\":\"lost\","
                                      "\"at\":\"%*s\"}", entries->first + i,
                                      (size_t) LL_DATE_LEN, at)
                          - p;
    }

    return NGX_OK;
}


/* adds the entries of the segments of a reply, from first to last */
static ngx_int_t
ngx_leaseloft_entries_sealed(ngx_leaseloft_entries_t *entries,
    ngx_str_t *property, redisReply *sealed, uint64_t last, uint64_t size,
    ngx_log_t *log)
{
    uint64_t    k, a, b;
    ngx_int_t   rc;
    ngx_str_t   segment;
    ngx_uint_t  i;

    k = ll_segment_of(entries->first, size);

    for (i = NGX_LEASELOFT_SEALED_SEGMENTS; i < sealed->elements; i++, k++) {
        if (ngx_leaseloft_reply_string(sealed, i, &segment) != NGX_OK) {
            return NGX_ERROR;
        }

        a = ngx_max(entries->first, k * size + 1);
        b = ngx_min(last, (k + 1) * size);

        rc = ngx_leaseloft_segment_read(entries->pool, &segment, k * size + 1,
                                        size, a, b,
                                        &entries->elts[a - entries->first]);
        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DECLINED) {
            ngx_leaseloft_entries_damaged(property, k * size + 1, size, log);
            ngx_memzero(&entries->elts[a - entries->first],
                        (b + 1 - a) * sizeof(ngx_leaseloft_entry_t));
        }
    }

    return NGX_OK;
}


/* adds the entries of the list after those */
static ngx_int_t
ngx_leaseloft_entries_list(ngx_leaseloft_entries_t *entries, redisReply *list)
{
    size_t                  i;
    ngx_leaseloft_entry_t  *entry;

    for (i = 0; i < list->elements / 2; i++) {
        entry = &entries->elts[entries->n];

        if (ngx_leaseloft_reply_entry(list, i, &entry->tag, &entry->text)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        entries->n++;
    }

    return NGX_OK;
}


/* ends, or begins if backward, with the entry that exceeds the bytes */
static void
ngx_leaseloft_entries_limit(ngx_leaseloft_entries_t *entries, uint64_t bytes,
    ngx_uint_t backward)
{
    uint64_t    size;
    ngx_uint_t  i;

    size = 0;

    for (i = 0; i < entries->n && size <= bytes; i++) {
        size += entries->elts[backward ? entries->n - 1 - i : i].text.len;
    }

    entries->cut = i < entries->n;

    if (backward) {
        entries->elts += entries->n - i;
        entries->first += entries->n - i;
    }

    entries->n = i;
}


static ngx_int_t
ngx_leaseloft_entries_decode(ngx_leaseloft_entries_t *entries,
    ngx_str_t *property, redisReply *sealed, ngx_log_t *log)
{
    uint64_t  first, last, size, backward, bytes;

    if (sealed->elements < NGX_LEASELOFT_SEALED_SEGMENTS
        || ngx_leaseloft_reply_number(sealed, NGX_LEASELOFT_SEALED_FIRST,
                                      &first) != NGX_OK
        || ngx_leaseloft_reply_number(sealed, NGX_LEASELOFT_SEALED_LAST,
                                      &last) != NGX_OK
        || ngx_leaseloft_reply_number(sealed, NGX_LEASELOFT_SEALED_SIZE,
                                      &size) != NGX_OK
        || ngx_leaseloft_reply_number(sealed, NGX_LEASELOFT_SEALED_BACKWARD,
                                      &backward) != NGX_OK
        || ngx_leaseloft_reply_number(sealed, NGX_LEASELOFT_SEALED_BYTES,
                                      &bytes) != NGX_OK
        || first == 0 || last < first || first != entries->first
        || last - first >= NGX_LEASELOFT_ENTRIES_MAX
        || entries->list->elements / 2 > NGX_LEASELOFT_ENTRIES_MAX
        || size == 0 || size > LL_SEGMENT_MAX
        || sealed->elements - NGX_LEASELOFT_SEALED_SEGMENTS
           != ll_segment_of(last, size) - ll_segment_of(first, size) + 1)
    {
        return NGX_ERROR;
    }

    entries->n = last - first + 1;
    entries->elts = ngx_pcalloc(entries->pool,
                                (entries->n + entries->list->elements / 2)
                                * sizeof(ngx_leaseloft_entry_t));

    if (entries->elts == NULL
        || ngx_leaseloft_entries_sealed(entries, property, sealed, last, size,
                                        log) != NGX_OK
        || ngx_leaseloft_entries_list(entries, entries->list) != NGX_OK
        || ngx_leaseloft_entries_lost(entries) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_leaseloft_entries_limit(entries, bytes, backward);

    return NGX_OK;
}


/* compares the tag of a cursor that is sealed; any is valid for a lost entry */
static ngx_int_t
ngx_leaseloft_entries_check(ngx_leaseloft_entries_t *entries,
    redisReply *check)
{
    uint64_t               seq, size, first;
    ngx_int_t              rc;
    ngx_str_t              tag, segment;
    ngx_leaseloft_entry_t  entry;

    if (check->elements != NGX_LEASELOFT_CHECK_ELEMENTS
        || ngx_leaseloft_reply_number(check, NGX_LEASELOFT_CHECK_SEQ, &seq)
           != NGX_OK
        || ngx_leaseloft_reply_number(check, NGX_LEASELOFT_CHECK_SIZE, &size)
           != NGX_OK
        || ngx_leaseloft_reply_tag(check, NGX_LEASELOFT_CHECK_TAG, &tag)
           != NGX_OK
        || ngx_leaseloft_reply_string(check, NGX_LEASELOFT_CHECK_SEGMENT,
                                      &segment) != NGX_OK
        || seq == 0 || size == 0 || size > LL_SEGMENT_MAX)
    {
        return NGX_ERROR;
    }

    first = ll_segment_of(seq, size) * size + 1;

    rc = ngx_leaseloft_segment_read(entries->pool, &segment, first, size, seq,
                                    seq, &entry);

    if (rc == NGX_OK && entry.tag.len
        && ngx_memcmp(entry.tag.data, tag.data, LL_TAG_LEN) != 0)
    {
        entries->reset = 1;
    }

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


ngx_int_t
ngx_leaseloft_entries_read(ngx_leaseloft_entries_t *entries,
    ngx_str_t *property, redisReply *reply, ngx_uint_t first, ngx_uint_t list,
    ngx_uint_t i, ngx_log_t *log)
{
    redisReply  *sealed, *check;

    ngx_memzero(entries, sizeof(ngx_leaseloft_entries_t));

    sealed = reply->element[i];
    check = reply->element[i + 1];

    entries->list = reply->element[list];

    if (entries->list->type != REDIS_REPLY_ARRAY
        || sealed->type != REDIS_REPLY_ARRAY
        || check->type != REDIS_REPLY_ARRAY
        || ngx_leaseloft_reply_number(reply, first, &entries->first) != NGX_OK
        || entries->first > LL_SEQ_MAX - entries->list->elements)
    {
        return NGX_ERROR;
    }

    entries->n = entries->list->elements / 2;

    if (sealed->elements == 0 && check->elements == 0) {
        return NGX_OK;
    }

    entries->pool = ngx_create_pool(4096, log);
    if (entries->pool == NULL) {
        return NGX_ERROR;
    }

    if ((check->elements
         && ngx_leaseloft_entries_check(entries, check) != NGX_OK)
        || (!entries->reset && sealed->elements
            && ngx_leaseloft_entries_decode(entries, property, sealed, log)
               != NGX_OK))
    {
        ngx_leaseloft_entries_free(entries);
        return NGX_ERROR;
    }

    if (entries->reset) {
        entries->n = 0;
        entries->first = 0;
    }

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_entries_get(ngx_leaseloft_entries_t *entries, ngx_uint_t i,
    ngx_str_t *tag, ngx_str_t *text)
{
    if (entries->elts == NULL) {
        return ngx_leaseloft_reply_entry(entries->list, i, tag, text);
    }

    *tag = entries->elts[i].tag;
    *text = entries->elts[i].text;

    if (tag->len == 0) {
        ngx_str_set(tag, "");
    }

    return NGX_OK;
}


void
ngx_leaseloft_entries_free(ngx_leaseloft_entries_t *entries)
{
    if (entries->pool) {
        ngx_destroy_pool(entries->pool);
        entries->pool = NULL;
    }
}
