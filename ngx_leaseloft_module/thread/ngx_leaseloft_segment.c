
/*
 * Decompresses segments by libzstd, and hashes their entries by libcrypto.  The
 * contexts of both and the buffer for an entry are static: a process has one
 * thread, and a segment is decoded at once.
 */


#include "ngx_leaseloft_segment.h"

#include <openssl/evp.h>
#include <zstd.h>


static EVP_MD      *ngx_leaseloft_segment_sha;
static EVP_MD_CTX  *ngx_leaseloft_segment_md;
static ZSTD_DCtx   *ngx_leaseloft_segment_zstd;
static char         ngx_leaseloft_segment_entry[LL_ENTRY_MAX];


static int
ngx_leaseloft_segment_hash(unsigned char *hash, const void *a, size_t alen,
    const void *b, size_t blen)
{
    return EVP_DigestInit_ex2(ngx_leaseloft_segment_md,
                              ngx_leaseloft_segment_sha, NULL)
           && EVP_DigestUpdate(ngx_leaseloft_segment_md, a, alen)
           && EVP_DigestUpdate(ngx_leaseloft_segment_md, b, blen)
           && EVP_DigestFinal_ex(ngx_leaseloft_segment_md, hash, NULL)
           ? 0 : -1;
}


static ngx_int_t
ngx_leaseloft_segment_init(void)
{
    if (ngx_leaseloft_segment_sha == NULL) {
        ngx_leaseloft_segment_sha = EVP_MD_fetch(NULL, "SHA256", NULL);
    }

    if (ngx_leaseloft_segment_md == NULL) {
        ngx_leaseloft_segment_md = EVP_MD_CTX_new();
    }

    if (ngx_leaseloft_segment_zstd == NULL) {
        ngx_leaseloft_segment_zstd = ZSTD_createDCtx();
    }

    return ngx_leaseloft_segment_sha && ngx_leaseloft_segment_md
           && ngx_leaseloft_segment_zstd
           ? NGX_OK : NGX_ERROR;
}


/* decompresses the text of a segment */
static ngx_int_t
ngx_leaseloft_segment_expand(ngx_pool_t *pool, ll_segment_t *segment,
    char **text)
{
    size_t       len, size;
    const char  *words;

    words = ll_segment_dictionary(segment->dictionary, &len);
    if (words == NULL) {
        return NGX_DECLINED;
    }

    *text = ngx_pnalloc(pool, segment->text_len + 1);
    if (*text == NULL || ngx_leaseloft_segment_init() != NGX_OK) {
        return NGX_ERROR;
    }

    (void) ZSTD_DCtx_reset(ngx_leaseloft_segment_zstd, ZSTD_reset_session_only);
    (void) ZSTD_DCtx_refPrefix(ngx_leaseloft_segment_zstd, words, len);

    size = ZSTD_decompressDCtx(ngx_leaseloft_segment_zstd, *text,
                               segment->text_len, segment->frame,
                               segment->frame_len);

    return ZSTD_isError(size) || size != segment->text_len
           ? NGX_DECLINED : NGX_OK;
}


/* copies what the next entry would overwrite */
static ngx_int_t
ngx_leaseloft_segment_copy(ngx_pool_t *pool, ll_segment_entry_t *from,
    ngx_leaseloft_entry_t *entry)
{
    ngx_str_t  text;

    text.data = (u_char *) from->entry;
    text.len = from->len;

    if (ngx_strlchr(text.data, text.data + text.len, LF) != NULL) {
        return NGX_DECLINED;
    }

    entry->text = text;

    if (from->entry == ngx_leaseloft_segment_entry) {
        entry->text.data = ngx_pstrdup(pool, &text);
        if (entry->text.data == NULL) {
            return NGX_ERROR;
        }
    }

    ngx_str_null(&entry->tag);

    if (from->hash) {
        entry->tag.data = ngx_pnalloc(pool, LL_TAG_LEN);
        if (entry->tag.data == NULL) {
            return NGX_ERROR;
        }

        entry->tag.len = LL_TAG_LEN;
        ll_cursor_tag((char *) entry->tag.data, from->hash);
    }

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_segment_read(ngx_pool_t *pool, ngx_str_t *data, uint64_t first,
    ngx_uint_t size, uint64_t a, uint64_t b, ngx_leaseloft_entry_t *entries)
{
    int                  rc;
    char                *text;
    ngx_int_t            found;
    ll_segment_t         segment;
    ll_segment_entry_t   entry;

    if (ll_segment_parse(&segment, (char *) data->data, data->len) != 0
        || segment.first != first || segment.count != size)
    {
        return NGX_DECLINED;
    }

    found = ngx_leaseloft_segment_expand(pool, &segment, &text);

    while (found == NGX_OK) {
        rc = ll_segment_next(&segment, text, ngx_leaseloft_segment_hash,
                             ngx_leaseloft_segment_entry, &entry);

        if (rc != 1) {
            return rc == 0 ? NGX_OK : NGX_DECLINED;
        }

        if (entry.seq >= a && entry.seq <= b) {
            found = ngx_leaseloft_segment_copy(pool, &entry,
                                               &entries[entry.seq - a]);
        }
    }

    return found;
}


ngx_int_t
ngx_leaseloft_segment_open(ngx_pool_t *pool, ngx_str_t *data, uint64_t first,
    ngx_uint_t size, ll_segment_t *segment, char **text)
{
    ngx_int_t           rc;
    ll_segment_entry_t  entry;

    if (ll_segment_parse(segment, (char *) data->data, data->len) != 0
        || segment->first != first || segment->count != size)
    {
        return NGX_DECLINED;
    }

    rc = ngx_leaseloft_segment_expand(pool, segment, text);
    if (rc != NGX_OK) {
        return rc;
    }

    do {
        rc = ll_segment_next(segment, *text, ngx_leaseloft_segment_hash,
                             ngx_leaseloft_segment_entry, &entry);
    } while (rc == 1);

    ll_segment_rewind(segment);

    return rc == 0 ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_leaseloft_segment_next(ll_segment_t *segment, char *text,
    ll_segment_entry_t *entry)
{
    return ll_segment_next(segment, text, ngx_leaseloft_segment_hash,
                           ngx_leaseloft_segment_entry, entry)
           == 1
           ? NGX_OK : NGX_DONE;
}
