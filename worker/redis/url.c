
/* Parses the URL of Redis, and masks URLs in messages. */

#include <string.h>

#include "url.h"


#define URL_PORT      6379
#define URL_PORT_MAX  65535


static int
url_hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c |= 0x20;

    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}


/* percent-decodes len bytes into dst of size bytes; 0 or -1 */
static int
url_decode(char *dst, size_t size, const char *s, size_t len)
{
    int     hi, lo;
    size_t  i, n;

    n = 0;

    for (i = 0; i < len; i++) {
        if (n + 1 == size) {
            return -1;
        }

        if (s[i] != '%') {
            dst[n++] = s[i];
            continue;
        }

        if (len - i < 3) {
            return -1;
        }

        hi = url_hex(s[i + 1]);
        lo = url_hex(s[i + 2]);

        if (hi < 0 || lo < 0 || hi + lo == 0) {
            return -1;
        }

        dst[n++] = (char) (hi * 16 + lo);
        i += 2;
    }

    dst[n] = '\0';

    return 0;
}


/* parses 1 to 5 digits, at most max; 0 or -1 */
static int
url_number(const char *s, size_t len, unsigned max, unsigned *value)
{
    size_t    i;
    unsigned  n;

    if (len == 0 || len > 5) {
        return -1;
    }

    n = 0;

    for (i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9') {
            return -1;
        }

        n = n * 10 + (unsigned) (s[i] - '0');
    }

    if (n > max) {
        return -1;
    }

    *value = n;

    return 0;
}


static int
url_unix(const char *s, url_t *url, const char **why)
{
    size_t  len;

    len = strlen(s);

    if (len == 0) {
        *why = "has no path after \"unix:\"";
        return -1;
    }

    if (len >= sizeof(url->path)) {
        *why = "has a path that is too long for a unix socket";
        return -1;
    }

    memcpy(url->path, s, len + 1);

    return 0;
}


/* parses "user:password"; the user may be empty */
static int
url_userinfo(const char *s, size_t len, url_t *url, const char **why)
{
    const char  *colon;

    colon = memchr(s, ':', len);

    if (colon == NULL) {
        *why = "has a user without a password";
        return -1;
    }

    if (url_decode(url->user, URL_PART_MAX, s, (size_t) (colon - s)) != 0
        || url_decode(url->password, URL_PART_MAX, colon + 1,
                      (size_t) (s + len - colon - 1))
           != 0)
    {
        *why = "has a user or password that is too long or badly encoded";
        return -1;
    }

    if (url->password[0] == '\0') {
        *why = "has an empty password";
        return -1;
    }

    return 0;
}


/* parses "host", "host:port" or "[address]:port" */
static int
url_host(const char *s, size_t len, url_t *url, const char **why)
{
    size_t       n;
    const char  *end, *after;

    end = s + len;

    if (len && *s == '[') {
        s++;
        after = memchr(s, ']', (size_t) (end - s));

        if (after == NULL) {
            *why = "has an address without a closing bracket";
            return -1;
        }

        n = (size_t) (after - s);
        after++;

    } else {
        after = len ? memchr(s, ':', len) : NULL;
        after = after ? after : end;
        n = (size_t) (after - s);
    }

    if (n == 0 || n >= sizeof(url->host)) {
        *why = n ? "has a host that is too long" : "has no host";
        return -1;
    }

    memcpy(url->host, s, n);
    url->host[n] = '\0';

    if (after == end) {
        return 0;
    }

    if (*after != ':'
        || url_number(after + 1, (size_t) (end - after - 1), URL_PORT_MAX,
                      &url->port)
           != 0
        || url->port == 0)
    {
        *why = "has a port that is not 1 to 65535";
        return -1;
    }

    return 0;
}


static int
url_tcp(const char *s, url_t *url, const char **why)
{
    const char  *at, *end;

    /* the host begins after the last "@": a password may contain a slash */

    at = strrchr(s, '@');

    if (at) {
        if (url_userinfo(s, (size_t) (at - s), url, why) != 0) {
            return -1;
        }

        s = at + 1;
    }

    end = strchr(s, '/');
    end = end ? end : s + strlen(s);

    if (url_host(s, (size_t) (end - s), url, why) != 0) {
        return -1;
    }

    if (end[0] != '\0' && end[1] != '\0') {
        *why = "names a database, but pub/sub is common to all databases: "
               "use a --prefix for each installation instead";
        return -1;
    }

    return 0;
}


int
url_parse(const char *s, url_t *url, const char **why)
{
    memset(url, 0, sizeof(url_t));

    url->port = URL_PORT;

    if (strncmp(s, "unix:", 5) == 0) {
        return url_unix(s + 5, url, why);
    }

    if (strncmp(s, "redis://", 8) == 0) {
        return url_tcp(s + 8, url, why);
    }

    if (strncmp(s, "rediss://", 9) == 0) {
        *why = "asks for TLS, which this program is not built with";
        return -1;
    }

    *why = "is neither \"unix:PATH\" nor "
           "\"redis://[user:password@]host[:port]\"";
    return -1;
}


void
url_mask(char *text)
{
    char  *start, *at;

    start = strstr(text, "://");
    start = start ? start + 3 : NULL;
    at = start ? strrchr(start, '@') : NULL;

    if (at == NULL || at == start) {
        return;
    }

    /* the masked part has at least the length of its replacement */

    *start = '*';
    memmove(start + 1, at, strlen(at) + 1);
}
