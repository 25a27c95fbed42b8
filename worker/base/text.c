
/* Text of messages and names: counting, trimming and checking UTF-8. */

#include <string.h>

#include "common/utf8.h"
#include "text.h"


int
text_valid(const char *s, size_t len)
{
    return ll_utf8_valid(s, len);
}


/* the offset of the last code point of the len bytes */
static size_t
text_back(const char *s, size_t len)
{
    do {
        len--;
    } while (len && ((unsigned char) s[len] & 0xc0) == 0x80);

    return len;
}


size_t
text_normalize(char *s, size_t len)
{
    size_t  i, n, start, size;

    n = 0;

    for (i = 0; i < len; i++) {
        if (s[i] != '\r' || i + 1 == len || s[i + 1] != '\n') {
            s[n++] = s[i];
        }
    }

    for (start = 0; start < n; start += size) {
        if (!ll_utf8_space(ll_utf8_decode(s + start, n - start, &size))) {
            break;
        }
    }

    while (n > start) {
        i = text_back(s, n);

        if (!ll_utf8_space(ll_utf8_decode(s + i, n - i, &size))) {
            break;
        }

        n = i;
    }

    memmove(s, s + start, n - start);

    return n - start;
}


size_t
text_count(const char *s, size_t len)
{
    size_t  i, n;

    n = 0;

    for (i = 0; i < len; i++) {
        n += ((unsigned char) s[i] & 0xc0) != 0x80;
    }

    return n;
}


size_t
text_cut(const char *s, size_t len, size_t n)
{
    return ll_utf8_cut(s, len, n);
}


int
text_control(const char *s, size_t len, int lines)
{
    size_t         i;
    unsigned char  c;

    for (i = 0; i < len; i++) {
        c = (unsigned char) s[i];

        if (c < 0x20 || c == 0x7f) {
            if (!lines || (c != '\t' && c != '\n')) {
                return c;
            }

        } else if (c == 0xc2 && i + 1 < len && (unsigned char) s[i + 1] < 0xa0)
        {
            return (unsigned char) s[i + 1];
        }
    }

    return -1;
}
