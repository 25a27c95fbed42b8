
/* Bytes are taken as they come, in pieces of any length. */

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "response.h"


#define RESPONSE_END  "\r\n\r\n"


static void
response_keep(buf_t *buf, const char *s, size_t len)
{
    size_t  room;

    room = RESPONSE_MAX - buf->len;

    if (!buf_failed(buf)) {
        buf_add(buf, s, len < room ? len : room);
    }
}


/* "\r\n" after a chunk, then its size, perhaps extensions, and "\r\n" */
static void
response_size(response_t *response, char c)
{
    if (c == '\n' && response->nsize > 0) {
        response->size[response->nsize] = '\0';
        response->left = strtoul(response->size, NULL, 16);
        response->nsize = 0;
        response->ended = response->left == 0;

    } else if (c != '\r' && c != '\n'
               && response->nsize + 1 < sizeof(response->size))
    {
        response->size[response->nsize++] = c;
    }
}


static void
response_body(response_t *response, const char *s, size_t len)
{
    size_t  n;

    if (!response->chunked) {
        response_keep(&response->body, s, len);
        return;
    }

    while (len > 0 && !response->ended) {
        n = len < response->left ? len : response->left;

        if (n == 0) {
            response_size(response, *s);
            n = 1;

        } else {
            response_keep(&response->body, s, n);
            response->left -= n;
        }

        s += n;
        len -= n;
    }
}


int
response_take(response_t *response, const char *s, size_t len)
{
    char    *end;
    size_t   n, old;

    if (!response->complete) {
        old = response->head.len;
        response_keep(&response->head, s, len);

        if (buf_failed(&response->head)) {
            return -1;
        }

        end = response->head.len ? memmem(response->head.data,
                                          response->head.len, RESPONSE_END,
                                          sizeof(RESPONSE_END) - 1) : NULL;
        if (end == NULL) {
            return 0;
        }

        end += sizeof(RESPONSE_END) - 1;
        n = (size_t) (end - response->head.data);
        *end = '\0';
        response->head.len = n;
        response->complete = 1;
        response->chunked = response_has(response, "transfer-encoding",
                                         "chunked");
        s += n - old;
        len -= n - old;
    }

    response_body(response, s, len);

    return buf_failed(&response->body) ? -1 : 0;
}


int
response_status(const response_t *response)
{
    const char  *s;

    if (!response->complete || strncmp(response->head.data, "HTTP/1.", 7) != 0)
    {
        return -1;
    }

    s = response->head.data + 7;
    s += strcspn(s, " \r\n");

    return s[0] == ' ' && strspn(s + 1, "0123456789") == 3
           ? (int) strtol(s + 1, NULL, 10) : -1;
}


int
response_has(const response_t *response, const char *field, const char *text)
{
    char         value[256];
    size_t       n, len;
    const char  *s;

    if (!response->complete) {
        return 0;
    }

    n = strlen(field);

    for (s = strstr(response->head.data, "\r\n"); s; s = strstr(s, "\r\n")) {
        s += 2;

        if (strncasecmp(s, field, n) != 0 || s[n] != ':') {
            continue;
        }

        len = strcspn(s + n + 1, "\r\n");
        len = len < sizeof(value) ? len : sizeof(value) - 1;
        memcpy(value, s + n + 1, len);
        value[len] = '\0';

        if (strcasestr(value, text)) {
            return 1;
        }
    }

    return 0;
}


void
response_free(response_t *response)
{
    buf_free(&response->head);
    buf_free(&response->body);
}
