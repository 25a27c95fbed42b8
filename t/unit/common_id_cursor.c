
/* ids and cursors */

#include "common/cursor.h"
#include "common/id.h"
#include "t/tap.h"


static void
test_ids(void)
{
    size_t  i;
    char    longest[LL_ID_MAX + 2], name[64];

    static const char  *good[] = { "a", "Z9_-", "-", "_", "0", "u-tom" };
    static const char  *bad[] = {
        "", " ", "a b", "a.b", "a:b", "{a}", "a/b", "a\n", "caf\xc3\xa9", "a%"
    };

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        (void) snprintf(name, sizeof(name), "valid id: \"%s\"", good[i]);
        ok(ll_id_valid(good[i], strlen(good[i])), name);
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void) snprintf(name, sizeof(name), "invalid id %zu is refused", i);
        ok(!ll_id_valid(bad[i], strlen(bad[i])), name);
    }

    memset(longest, 'x', sizeof(longest));

    ok(ll_id_valid(longest, LL_ID_MAX), "an id of 64 characters is valid");
    ok(!ll_id_valid(longest, LL_ID_MAX + 1),
       "an id of 65 characters is refused");
    ok(!ll_id_valid("a\0b", 3), "an id with a NUL is refused");
}


static void
test_cursors(void)
{
    char         text[LL_CURSOR_MAX], name[64], tag[LL_TAG_LEN];
    size_t       i, len;
    uint64_t     seq;
    ll_cursor_t  cursor;

    static const char  *bad[] = {
        "", ".", "x", "-1", "+1", "01", "00", "1.", "1.9f3a01c", "1.9f3a01c2d",
        "1.9F3A01C2", "1.9f3a01cg", ".9f3a01c2", "01.9f3a01c2", "1 ", " 1",
        "1000000000000000", "99999999999999999999", "1.9f3a.1c2", "1,9f3a01c2"
    };

    ok(ll_cursor_decode("482.9f3a01c2", 12, &cursor) == 0,
       "a cursor with a tag is decoded");
    is_num(cursor.seq, 482, "a cursor with a tag has its seq");
    ok(cursor.tagged, "a cursor with a tag is tagged");
    is_mem(cursor.tag, LL_TAG_LEN, "9f3a01c2",
           "a cursor with a tag has its tag");

    ok(ll_cursor_decode("0", 1, &cursor) == 0, "the cursor 0 is decoded");
    is_num(cursor.seq, 0, "the cursor 0 has seq 0");
    ok(!cursor.tagged, "the cursor 0 is not tagged");

    ok(ll_cursor_decode("999999999999999", 15, &cursor) == 0,
       "a seq of 15 digits is decoded");
    ok(cursor.seq == LL_SEQ_MAX, "a seq of 15 nines is the largest");

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void) snprintf(name, sizeof(name),
                        "invalid cursor is refused: \"%s\"", bad[i]);
        ok(ll_cursor_decode(bad[i], strlen(bad[i]), &cursor) == -1, name);
    }

    ok(ll_cursor_decode_seq("12.9f3a01c2", 11, &seq) == -1,
       "a seq with a tag is refused");
    ok(ll_cursor_decode_seq("12", 2, &seq) == 0 && seq == 12,
       "a seq is decoded");

    len = ll_cursor_encode(text, LL_SEQ_MAX, "0123abcd");
    is_mem(text, len, "999999999999999.0123abcd",
           "the longest cursor is encoded");

    len = ll_cursor_encode(text, 0, "0123abcd");
    is_mem(text, len, "0.0123abcd", "the shortest cursor is encoded");

    ll_cursor_tag(tag, (const unsigned char *) "\x9f\x3a\x01\xc2\xff");
    is_mem(tag, LL_TAG_LEN, "9f3a01c2",
           "the tag is the first four bytes of the hash");
}


int
main(void)
{
    test_ids();
    test_cursors();

    return tap_done();
}
