
/*
 * Decodes UTF-8 according to RFC 3629, section 4.
 */


#include "utf8.h"


uint32_t
ll_utf8_decode(const char *s, size_t len, size_t *size)
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
ll_utf8_valid(const char *s, size_t len)
{
    size_t  i, size;

    for (i = 0; i < len; i += size) {
        (void) ll_utf8_decode(s + i, len - i, &size);

        if (size == 0) {
            return 0;
        }
    }

    return 1;
}


size_t
ll_utf8_cut(const char *s, size_t len, size_t n)
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
ll_utf8_space(uint32_t c)
{
    return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0
           || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028
           || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}
