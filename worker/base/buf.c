
/* A growing buffer, which owns its memory. */

#include <stdlib.h>
#include <string.h>

#include "buf.h"


#define BUF_FIRST  256


/* makes room for len more bytes and the terminator; 0 or -1 */
static int
buf_reserve(buf_t *buf, size_t len)
{
    char    *data;
    size_t   size;

    if (buf->failed) {
        return -1;
    }

    if (len < buf->size - buf->len) {
        return 0;
    }

    if (len >= SIZE_MAX / 4 || buf->len >= SIZE_MAX / 4) {
        buf->failed = 1;
        return -1;
    }

    size = buf->size ? buf->size : BUF_FIRST;

    while (size - buf->len <= len) {
        size *= 2;
    }

    data = realloc(buf->data, size);
    if (data == NULL) {
        buf->failed = 1;
        return -1;
    }

    buf->data = data;
    buf->size = size;

    return 0;
}


void
buf_add(buf_t *buf, const char *s, size_t len)
{
    if (buf_reserve(buf, len) != 0) {
        return;
    }

    if (len) {
        memcpy(buf->data + buf->len, s, len);
    }

    buf->len += len;
    buf->data[buf->len] = '\0';
}


void
buf_adds(buf_t *buf, const char *s)
{
    buf_add(buf, s, strlen(s));
}


void
buf_number(buf_t *buf, int64_t n)
{
    char      digits[24], *p;
    uint64_t  left;

    /* not snprintf(): a message needs some fifteen numbers */

    p = digits + sizeof(digits);
    left = n < 0 ? 0 - (uint64_t) n : (uint64_t) n;

    do {
        *--p = (char) ('0' + left % 10);
        left /= 10;
    } while (left != 0);

    if (n < 0) {
        *--p = '-';
    }

    buf_add(buf, p, (size_t) (digits + sizeof(digits) - p));
}


int
buf_failed(const buf_t *buf)
{
    return buf->failed;
}


void
buf_reset(buf_t *buf)
{
    buf->len = 0;
    buf->failed = 0;

    if (buf->data) {
        buf->data[0] = '\0';
    }
}


void
buf_free(buf_t *buf)
{
    if (buf == NULL) {
        return;
    }

    free(buf->data);
    memset(buf, 0, sizeof(buf_t));
}
