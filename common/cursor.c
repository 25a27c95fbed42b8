
/*
 * Encodes and decodes cursors.  Nothing is allocated.
 */


#include <string.h>

#include "cursor.h"


#define LL_SEQ_LEN  15


int
ll_cursor_decode_seq(const char *s, size_t len, uint64_t *seq)
{
    size_t    i;
    uint64_t  n;

    if (len == 0 || len > LL_SEQ_LEN || (s[0] == '0' && len > 1)) {
        return -1;
    }

    n = 0;

    for (i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9') {
            return -1;
        }

        n = n * 10 + (uint64_t) (s[i] - '0');
    }

    *seq = n;

    return 0;
}


int
ll_cursor_tag_valid(const char *s, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f'))) {
            return 0;
        }
    }

    return len == LL_TAG_LEN;
}


int
ll_cursor_decode(const char *s, size_t len, ll_cursor_t *cursor)
{
    const char  *dot;

    dot = len ? memchr(s, '.', len) : NULL;

    if (dot == NULL) {
        cursor->tagged = 0;
        return ll_cursor_decode_seq(s, len, &cursor->seq);
    }

    if (!ll_cursor_tag_valid(dot + 1, (size_t) (s + len - dot - 1))
        || ll_cursor_decode_seq(s, (size_t) (dot - s), &cursor->seq) != 0)
    {
        return -1;
    }

    memcpy(cursor->tag, dot + 1, LL_TAG_LEN);
    cursor->tagged = 1;

    return 0;
}


size_t
ll_cursor_encode(char *dst, uint64_t seq, const char *tag)
{
    char    digits[LL_SEQ_LEN + 5];
    size_t  i, n;

    n = 0;

    do {
        digits[n++] = (char) ('0' + seq % 10);
        seq /= 10;
    } while (seq);

    for (i = 0; i < n; i++) {
        dst[i] = digits[n - 1 - i];
    }

    dst[n++] = '.';
    memcpy(dst + n, tag, LL_TAG_LEN);

    return n + LL_TAG_LEN;
}


void
ll_cursor_tag(char tag[LL_TAG_LEN], const unsigned char *hash)
{
    int                i;
    static const char  hex[] = "0123456789abcdef";

    for (i = 0; i < LL_TAG_LEN / 2; i++) {
        tag[2 * i] = hex[hash[i] >> 4];
        tag[2 * i + 1] = hex[hash[i] & 0xf];
    }
}
