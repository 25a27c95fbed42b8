
/*
 * Reads sealed segments, with zstd.  A segment is decoded twice: first to
 * verify all of it, since nothing of a damaged one is used, then by entry.
 */

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "unpack.h"


static ZSTD_DCtx  *unpack_dctx;


unpack_t *
unpack_create(void)
{
    return calloc(1, sizeof(unpack_t));
}


void
unpack_free(unpack_t *unpack)
{
    if (unpack != NULL) {
        buf_free(&unpack->text);
        free(unpack);
    }
}


/* decompresses the text: 0 or -1 */
static int
unpack_expand(unpack_t *unpack)
{
    char          *data;
    size_t         len, size;
    const char    *words;
    ll_segment_t  *s = &unpack->segment;

    words = ll_segment_dictionary(s->dictionary, &len);
    if (words == NULL) {
        return -1;
    }

    if (unpack_dctx == NULL) {
        unpack_dctx = ZSTD_createDCtx();
        if (unpack_dctx == NULL) {
            return -1;
        }
    }

    if (unpack->text.size <= s->text_len) {
        data = realloc(unpack->text.data, s->text_len + 1);
        if (data == NULL) {
            return -1;
        }

        unpack->text.data = data;
        unpack->text.size = s->text_len + 1;
    }

    (void) ZSTD_DCtx_reset(unpack_dctx, ZSTD_reset_session_only);
    (void) ZSTD_DCtx_refPrefix(unpack_dctx, words, len);

    size = ZSTD_decompressDCtx(unpack_dctx, unpack->text.data, s->text_len,
                               s->frame, s->frame_len);

    return ZSTD_isError(size) || size != s->text_len ? -1 : 0;
}


void
unpack_rewind(unpack_t *unpack)
{
    ll_segment_rewind(&unpack->segment);
}


/* as unpack_next(); -1 if the segment is damaged */
static int
unpack_decode(unpack_t *unpack, thread_entry_t *entry)
{
    int                  rc;
    ll_segment_entry_t   e;

    rc = ll_segment_next(&unpack->segment, unpack->text.data, chain_hash,
                         unpack->entry, &e);
    if (rc != 1) {
        return rc;
    }

    entry->seq = e.seq;
    entry->kind = e.kind == LL_SEGMENT_LOST ? PACK_LOST
                  : e.kind == LL_SEGMENT_ERASED ? PACK_ERASED
                  : PACK_ENTRY;
    entry->entry = e.entry;
    entry->len = e.len;
    entry->salt = e.salt;
    entry->digest = e.digest;
    entry->hash = e.hash;
    entry->sender = e.sender;
    entry->sender_len = e.sender_len;

    return 1;
}


int
unpack_open(unpack_t *unpack, const char *data, size_t len, uint64_t first,
    unsigned count)
{
    int               rc;
    ll_segment_t     *s = &unpack->segment;
    thread_entry_t   entry;

    if (ll_segment_parse(s, data, len) == -1 || s->first != first
        || s->count != count || unpack_expand(unpack) == -1)
    {
        return -1;
    }

    do {
        rc = unpack_decode(unpack, &entry);
    } while (rc == 1);

    unpack_rewind(unpack);

    return rc;
}


int
unpack_next(unpack_t *unpack, thread_entry_t *entry)
{
    return unpack_decode(unpack, entry) == 1;
}


void
unpack_lost(buf_t *buf, uint64_t seq)
{
    buf_lit(buf, "{\"seq\":");
    buf_number(buf, (int64_t) seq);
    buf_lit(buf, ",\"kind\":\"lost\",\"at\":\"1970-01-01T00:00:00.000Z\"}");
}


int
unpack_entry(buf_t *buf, const char *data, size_t len, uint64_t seq,
    unsigned size)
{
    uint64_t         first;
    unpack_t        *unpack;
    thread_entry_t   entry;

    unpack = unpack_create();
    if (unpack == NULL) {
        return -1;
    }

    first = ll_segment_of(seq, size) * size + 1;

    if (unpack_open(unpack, data, len, first, size) == -1) {
        unpack_lost(buf, seq);

    } else {
        while (unpack_next(unpack, &entry) && entry.seq != seq) { /* void */ }
        buf_add(buf, entry.entry, entry.len);
    }

    unpack_free(unpack);

    return buf_failed(buf) ? -1 : 0;
}


void
unpack_cleanup(void)
{
    ZSTD_freeDCtx(unpack_dctx);
    unpack_dctx = NULL;
}
