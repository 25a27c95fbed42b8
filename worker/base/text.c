
#include <string.h>

#include "text.h"


/*
 * the code point at s, of which *size is set to its bytes; 0 bytes mean that
 * it is not UTF-8
 */

static uint32_t
text_decode(const char *s, size_t len, size_t *size)
{
    size_t                i, n;
    uint32_t              c, least;
    const unsigned char  *p;

    p = (const unsigned char *) s;
    *size = 0;

    if (p[0] < 0x80) {
        *size = 1;
        return p[0];
    }

    if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        n = 2;
        c = p[0] & 0x1f;
        least = 0x80;

    } else if ((p[0] & 0xf0) == 0xe0) {
        n = 3;
        c = p[0] & 0x0f;
        least = 0x800;

    } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        n = 4;
        c = p[0] & 0x07;
        least = 0x10000;

    } else {
        return 0;
    }

    if (len < n) {
        return 0;
    }

    for (i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }

        c = (c << 6) | (p[i] & 0x3f);
    }

    if (c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
        return 0;
    }

    *size = n;

    return c;
}


int
text_valid(const char *s, size_t len)
{
    size_t  i, size;

    for (i = 0; i < len; i += size) {
        (void) text_decode(s + i, len - i, &size);

        if (size == 0) {
            return 0;
        }
    }

    return 1;
}


/* White_Space of Unicode's PropList.txt, the whole of it */

static int
text_space(uint32_t c)
{
    return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0
           || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028
           || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}


/* where the code point before s + len begins */

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
        if (!text_space(text_decode(s + start, n - start, &size))) {
            break;
        }
    }

    while (n > start) {
        i = text_back(s, n);

        if (!text_space(text_decode(s + i, n - i, &size))) {
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
    size_t  i;

    for (i = 0; i < len; i++) {
        if (((unsigned char) s[i] & 0xc0) != 0x80 && n-- == 0) {
            return i;
        }
    }

    return len;
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
