
/* cursors: a valid one is the same after decoding and encoding */

#include <string.h>

#include "common/cursor.h"
#include "common/id.h"
#include "fuzz.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char         text[LL_CURSOR_MAX];
    size_t       len;
    uint64_t     seq;
    const char  *s;
    ll_cursor_t  cursor;

    s = (const char *) data;

    (void) ll_id_valid(s, size);

    if (ll_cursor_decode(s, size, &cursor) == 0) {
        CHECK(cursor.seq <= LL_SEQ_MAX);

        len = ll_cursor_encode(text, cursor.seq,
                               cursor.tagged ? cursor.tag : "00000000");

        CHECK(size == len - (cursor.tagged ? 0 : 1 + LL_TAG_LEN));
        CHECK(memcmp(text, s, size) == 0);
    }

    if (ll_cursor_decode_seq(s, size, &seq) == 0) {
        CHECK(ll_cursor_decode(s, size, &cursor) == 0 && cursor.seq == seq);
    }

    return 0;
}
