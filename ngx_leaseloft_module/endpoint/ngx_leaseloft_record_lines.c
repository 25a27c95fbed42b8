
/* Appends the lines of a record to a part, which grows as they need it. */


#include "ngx_leaseloft_download.h"
#include "ngx_leaseloft_record_lines.h"
#include "ngx_leaseloft_reply.h"


#define NGX_LEASELOFT_RECORD_LINES_SIZE  65536


/* the place for the next line, of at most size bytes; NULL: no memory */
static char *
ngx_leaseloft_record_lines_room(ngx_leaseloft_record_lines_t *lines,
    size_t size)
{
    size_t   used;
    u_char  *p;

    if (lines->start && (size_t) (lines->end - lines->last) >= size) {
        return (char *) lines->last;
    }

    used = lines->start ? lines->last - lines->start : 0;
    size = ngx_max(2 * used + size, NGX_LEASELOFT_RECORD_LINES_SIZE);

    p = ngx_leaseloft_download_alloc(size, lines->log);
    if (p == NULL) {
        return NULL;
    }

    if (used) {
        ngx_memcpy(p, lines->start, used);
    }

    ngx_leaseloft_record_lines_free(lines);

    lines->start = p;
    lines->last = p + used;
    lines->end = p + size;

    return (char *) lines->last;
}


void
ngx_leaseloft_record_lines_free(ngx_leaseloft_record_lines_t *lines)
{
    if (lines->start) {
        ngx_leaseloft_download_free(lines->start);
        lines->start = NULL;
    }
}


ngx_int_t
ngx_leaseloft_record_lines_head(ngx_leaseloft_record_lines_t *lines,
    ll_record_head_t *head)
{
    char  *p;

    p = ngx_leaseloft_record_lines_room(lines, ll_record_head_max(head));
    if (p == NULL) {
        return NGX_ERROR;
    }

    lines->last = (u_char *) ll_record_head(p, head);

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_record_lines_entry(ngx_leaseloft_record_lines_t *lines,
    ll_segment_entry_t *entry)
{
    char        *p;
    const char  *at;

    p = ngx_leaseloft_record_lines_room(lines,
                                        LL_RECORD_ENTRY_MAX(entry->len)
                                        + LL_RECORD_ERASED_MAX);
    if (p == NULL) {
        return NGX_ERROR;
    }

    at = entry->digest ? ll_record_erased_at(entry->entry, entry->len) : NULL;

    if (entry->salt) {
        p = ll_record_entry(p, entry->seq, entry->entry, entry->len,
                            entry->salt, entry->hash);

    } else if (at) {
        p = ll_record_erased(p, entry->seq, entry->digest, entry->hash, at);

    } else {
        p = ll_record_lost(p, entry->seq);
    }

    lines->last = (u_char *) p;

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_record_lines_marks(ngx_leaseloft_record_lines_t *lines,
    redisReply *reply)
{
    char       *p, at[LL_DATE_LEN + 1];
    size_t      i;
    uint64_t    upto, ms;
    ngx_str_t   user;

    for (i = 1; i < reply->elements; i += 3) {

        if (ngx_leaseloft_reply_string(reply, i, &user) != NGX_OK
            || !ll_id_valid((char *) user.data, user.len)
            || ngx_leaseloft_reply_decimal(reply, i + 1, &upto) != NGX_OK
            || ngx_leaseloft_reply_decimal(reply, i + 2, &ms) != NGX_OK)
        {
            return NGX_ERROR;
        }

        p = ngx_leaseloft_record_lines_room(lines, LL_RECORD_READ_MAX);
        if (p == NULL) {
            return NGX_ERROR;
        }

        ll_date_format(at, ms);
        lines->last = (u_char *) ll_record_read(p, (char *) user.data,
                                                user.len, upto, at);
    }

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_record_lines_last(ngx_leaseloft_record_lines_t *lines,
    uint64_t entries, char *note, size_t len)
{
    char  *p;

    p = ngx_leaseloft_record_lines_room(lines, LL_RECORD_LAST_MAX(len));
    if (p == NULL) {
        return NGX_ERROR;
    }

    lines->last = (u_char *) ll_record_last(p, entries, note, len);

    return NGX_OK;
}
