
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "reply.h"


enum {
    REPLY_STATUS = 0,
    REPLY_HEADER,
    REPLY_BODY,
    REPLY_CHUNK,                   /* the line before a chunk */
    REPLY_CHUNK_END,               /* the line after it */
    REPLY_TRAILER,
    REPLY_DONE
};

enum {
    REPLY_UNTIL_CLOSED = 0,
    REPLY_LENGTH,
    REPLY_CHUNKED
};


void
reply_init(reply_t *reply)
{
    reply->left = 0;
    reply->status = 0;
    reply->state = REPLY_STATUS;
    reply->mode = REPLY_UNTIL_CLOSED;
    reply->line_len = 0;
    reply->etag[0] = '\0';
}


int
reply_done(const reply_t *reply)
{
    return reply->state == REPLY_DONE;
}


int
reply_started(const reply_t *reply)
{
    return reply->state > REPLY_HEADER;
}


/* the value of a header, if it is this one */
static const char *
reply_value(const char *line, const char *name)
{
    size_t  len;

    len = strlen(name);

    if (strncasecmp(line, name, len) != 0 || line[len] != ':') {
        return NULL;
    }

    return line + len + 1 + strspn(line + len + 1, " ");
}


static void
reply_header(reply_t *reply, const char *line)
{
    const char  *value;

    if ((value = reply_value(line, "Content-Length")) != NULL) {
        reply->mode = REPLY_LENGTH;
        reply->left = strtoul(value, NULL, 10);

    } else if ((value = reply_value(line, "Transfer-Encoding")) != NULL) {
        reply->mode = REPLY_CHUNKED;

    } else if ((value = reply_value(line, "ETag")) != NULL
               && strlen(value) < REPLY_ETAG)
    {
        strcpy(reply->etag, value);
    }
}


static void
reply_headers_end(reply_t *reply)
{
    if (reply->status / 100 == 1) {
        reply_init(reply);
        return;
    }

    reply->state = REPLY_BODY;

    if (reply->status == 204 || reply->status == 304
        || (reply->mode == REPLY_LENGTH && reply->left == 0))
    {
        reply->state = REPLY_DONE;

    } else if (reply->mode == REPLY_CHUNKED) {
        reply->state = REPLY_CHUNK;
    }
}


/* 0, or -1: not HTTP */
static int
reply_line(reply_t *reply, char *line)
{
    switch (reply->state) {

    case REPLY_STATUS:
        if (strncmp(line, "HTTP/1.", 7) != 0 || strlen(line) < 12) {
            return -1;
        }

        reply->status = atoi(line + 9);
        reply->state = REPLY_HEADER;
        break;

    case REPLY_HEADER:
        if (*line) {
            reply_header(reply, line);

        } else {
            reply_headers_end(reply);
        }

        break;

    case REPLY_CHUNK:
        reply->left = strtoul(line, NULL, 16);
        reply->state = reply->left ? REPLY_BODY : REPLY_TRAILER;
        break;

    case REPLY_CHUNK_END:
        reply->state = REPLY_CHUNK;
        break;

    case REPLY_TRAILER:
        if (*line == '\0') {
            reply->state = REPLY_DONE;
        }
    }

    return 0;
}


/* returns the bytes taken; the end of a line that is too long is dropped */
static size_t
reply_take_line(reply_t *reply, char *data, size_t len, int *rc)
{
    char    *end;
    size_t   n, keep;

    end = memchr(data, '\n', len);
    n = end ? (size_t) (end - data) : len;

    keep = n;

    if (keep > REPLY_LINE - 1u - reply->line_len) {
        keep = REPLY_LINE - 1u - reply->line_len;
    }

    memcpy(reply->line + reply->line_len, data, keep);
    reply->line_len += keep;

    if (end == NULL) {
        return len;
    }

    if (reply->line_len && reply->line[reply->line_len - 1] == '\r') {
        reply->line_len--;
    }

    reply->line[reply->line_len] = '\0';
    reply->line_len = 0;
    *rc = reply_line(reply, reply->line);

    return n + 1;
}


static size_t
reply_take_body(reply_t *reply, char *data, size_t len)
{
    size_t  n;

    n = len;

    if (reply->mode != REPLY_UNTIL_CLOSED && n > reply->left) {
        n = reply->left;
    }

    reply->left -= reply->mode == REPLY_UNTIL_CLOSED ? 0 : n;

    if (reply->left == 0 && reply->mode == REPLY_LENGTH) {
        reply->state = REPLY_DONE;

    } else if (reply->left == 0 && reply->mode == REPLY_CHUNKED) {
        reply->state = REPLY_CHUNK_END;
    }

    if (reply->body) {
        reply->body(reply, data, n);
    }

    return n;
}


long
reply_feed(reply_t *reply, char *data, size_t len)
{
    int     rc;
    size_t  used;

    rc = 0;
    used = 0;

    while (used < len && reply->state != REPLY_DONE) {

        if (reply->state == REPLY_BODY) {
            used += reply_take_body(reply, data + used, len - used);
            continue;
        }

        used += reply_take_line(reply, data + used, len - used, &rc);

        if (rc == -1) {
            return -1;
        }
    }

    return used;
}
