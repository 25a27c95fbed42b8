
/*
 * Segments as Redis returns them: any bytes are refused or decoded within
 * bounds, and what is decoded is encoded to a segment with the same entries.
 */

#include <string.h>

#include "fuzz.h"
#include "pack.h"
#include "unpack.h"


typedef struct {
    thread_entry_t   entries[LL_SEGMENT_MAX];
    unsigned char    hashes[LL_SEGMENT_MAX][CHAIN_HASH];
    buf_t            texts[LL_SEGMENT_MAX];
    unsigned         n;
} list_t;


static void
segment_list(list_t *list, unpack_t *unpack)
{
    thread_entry_t  *entry;

    for (list->n = 0; list->n < LL_SEGMENT_MAX; list->n++) {
        entry = &list->entries[list->n];

        if (!unpack_next(unpack, entry)) {
            break;
        }

        CHECK(entry->len <= LL_ENTRY_MAX && entry->sender_len <= 64);
        CHECK(!entry->hash == (entry->kind == PACK_LOST));
        CHECK(!entry->salt == (entry->kind != PACK_ENTRY));
        CHECK(!entry->digest == (entry->kind != PACK_ERASED));

        buf_add(&list->texts[list->n], entry->entry, entry->len);
        entry->entry = list->texts[list->n].data;

        if (entry->hash) {
            memcpy(list->hashes[list->n], entry->hash, CHAIN_HASH);
            entry->hash = list->hashes[list->n];
        }
    }

    CHECK(list->n == unpack->segment.count);
}


/* what was decoded is a thread, which can be sealed once more */
static void
segment_again(list_t *list, unpack_t *unpack)
{
    buf_t            buf = BUF_INIT;
    unsigned         i;
    uint64_t         first = unpack->segment.first;
    unpack_t        *again;
    thread_entry_t   entry;

    static const unsigned char  none[CHAIN_HASH];

    if (pack_encode(&buf, list->entries, list->n,
                    memcmp(unpack->segment.before, none, CHAIN_HASH) == 0
                    ? NULL : unpack->segment.before)
        == 0)
    {
        again = unpack_create();
        CHECK(again != NULL);
        CHECK(unpack_open(again, buf.data, buf.len, first, list->n) == 0);

        for (i = 0; i < list->n; i++) {
            CHECK(unpack_next(again, &entry) == 1);
            CHECK(entry.len == list->entries[i].len);
            CHECK(entry.len == 0
                  || memcmp(entry.entry, list->entries[i].entry, entry.len)
                     == 0);
        }

        unpack_free(again);
    }

    buf_free(&buf);
}


static const uint8_t  *segment_after;


/* gets any segment through to its end */
static int
segment_sha(unsigned char *hash, const void *a, size_t alen, const void *b,
    size_t blen)
{
    (void) a, (void) alen, (void) b, (void) blen;

    memcpy(hash, segment_after, CHAIN_HASH);

    return 0;
}


/* decodes records as if the text and the hashes were right */
static void
segment_records(ll_segment_t *segment)
{
    int                   rc;
    char                 *text;
    unsigned              n;
    static char           buf[LL_ENTRY_MAX];
    ll_segment_entry_t    entry;

    text = calloc(1, segment->text_len + 1);
    CHECK(text != NULL);

    segment_after = segment->after;

    for (n = 0; ; n++) {
        rc = ll_segment_next(segment, text, segment_sha, buf, &entry);
        if (rc != 1) {
            break;
        }

        CHECK(entry.seq == segment->first + n);
        CHECK(entry.len <= LL_ENTRY_MAX);
        CHECK(entry.entry == buf
              || (entry.entry >= text
                  && entry.entry + entry.len <= text + segment->text_len));
    }

    CHECK(n <= segment->count && (rc == -1 || n == segment->count));

    free(text);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned        i;
    unpack_t       *unpack;
    ll_segment_t    segment;
    static list_t   list;

    if (ll_segment_parse(&segment, (const char *) data, size) != 0) {
        return 0;
    }

    unpack = unpack_create();
    CHECK(unpack != NULL);

    segment_records(&segment);

    if (unpack_open(unpack, (const char *) data, size, segment.first,
                    segment.count) == 0)
    {
        memset(&list, 0, sizeof(list));

        segment_list(&list, unpack);
        segment_again(&list, unpack);

        for (i = 0; i < LL_SEGMENT_MAX; i++) {
            buf_free(&list.texts[i]);
        }
    }

    unpack_free(unpack);

    return 0;
}
