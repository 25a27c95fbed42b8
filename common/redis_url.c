
/* Parses the URL of Redis, and masks URLs in messages. */

#include <stdio.h>
#include <string.h>

#include "redis_url.h"


#define LL_REDIS_URL_PORT       6379
#define LL_REDIS_URL_SENTINELS  26379
#define LL_REDIS_URL_PORT_MAX   65535


typedef struct {
    const char           *scheme;
    ll_redis_url_kind_e   kind;
    int                   tls;
} ll_redis_url_scheme_t;


static const ll_redis_url_scheme_t  ll_redis_url_schemes[] = {
    { "redis://", LL_REDIS_URL_SINGLE, 0 },
    { "rediss://", LL_REDIS_URL_SINGLE, 1 },
    { "redis+sentinel://", LL_REDIS_URL_SENTINEL, 0 },
    { "rediss+sentinel://", LL_REDIS_URL_SENTINEL, 1 },
    { "redis+cluster://", LL_REDIS_URL_CLUSTER, 0 },
    { "rediss+cluster://", LL_REDIS_URL_CLUSTER, 1 },
    { NULL, LL_REDIS_URL_UNIX, 0 }
};


/* sets the fault, and the number of the address that it is in: -1 */
static int
ll_redis_url_fail(ll_redis_url_t *url, const char *fault, unsigned address)
{
    if (address) {
        (void) snprintf(url->fault, sizeof(url->fault), "%s (in address %u)",
                        fault, address);

    } else {
        (void) snprintf(url->fault, sizeof(url->fault), "%s", fault);
    }

    return -1;
}


static int
ll_redis_url_hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c |= 0x20;

    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}


/* the byte at s, and in *used how long its code is; -1 if that is malformed */
static int
ll_redis_url_byte(const char *s, size_t len, size_t *used)
{
    int  hi, lo;

    *used = 1;

    if (s[0] != '%') {
        return s[0] ? (unsigned char) s[0] : -1;
    }

    if (len < 3) {
        return -1;
    }

    hi = ll_redis_url_hex(s[1]);
    lo = ll_redis_url_hex(s[2]);

    if (hi < 0 || lo < 0 || hi + lo == 0) {
        return -1;
    }

    *used = 3;

    return hi * 16 + lo;
}


size_t
ll_redis_url_decode(char *dst, const ll_str_t *part)
{
    size_t  i, n, used;

    n = 0;

    for (i = 0; i < part->len && n < LL_REDIS_URL_PART; i += used) {
        dst[n++] = (char) ll_redis_url_byte(part->data + i, part->len - i,
                                            &used);
    }

    dst[n] = '\0';

    return n;
}


/* checks a user or a password: NULL, or what is wrong */
static const char *
ll_redis_url_check_part(const ll_str_t *part)
{
    size_t  i, n, used;

    n = 0;

    for (i = 0; i < part->len; i += used) {
        if (ll_redis_url_byte(part->data + i, part->len - i, &used) == -1) {
            return "has an invalid percent-encoding in the user or password: "
                   "write % as %25";
        }

        n++;
    }

    return n > LL_REDIS_URL_PART
           ? "has a user or password of more than 511 bytes" : NULL;
}


/* parses "user:password", ":password" or "user" */
static int
ll_redis_url_userinfo(ll_redis_url_t *url, const char *s, size_t len)
{
    const char  *colon, *why;

    colon = len ? memchr(s, ':', len) : NULL;

    url->user.data = s;
    url->user.len = colon ? (size_t) (colon - s) : len;

    if (len == 0) {
        return ll_redis_url_fail(url, "has neither user nor password before "
                                 "the \"@\"", 0);
    }

    if (colon) {
        url->password.data = colon + 1;
        url->password.len = len - url->user.len - 1;

        if (url->password.len == 0) {
            return ll_redis_url_fail(url, "has an empty password", 0);
        }
    }

    if (url->kind != LL_REDIS_URL_SINGLE && memchr(s, ',', len)) {
        return ll_redis_url_fail(url, "has a \",\" before the last \"@\": "
                                 "write user and password once, before the "
                                 "first address, and a \",\" in them as %2C",
                                 0);
    }

    why = ll_redis_url_check_part(&url->user);
    why = why ? why : ll_redis_url_check_part(&url->password);

    return why ? ll_redis_url_fail(url, why, 0) : 0;
}


static int
ll_redis_url_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
           || (c >= 'A' && c <= 'Z');
}


/* checks the len bytes of a host: NULL, or what is wrong */
static const char *
ll_redis_url_check_host(const char *s, size_t len, int ipv6)
{
    size_t    i;
    unsigned  colons;

    if (len == 0) {
        return "has no host";
    }

    if (len > LL_REDIS_URL_HOST) {
        return "has a host that is too long";
    }

    colons = 0;

    for (i = 0; i < len; i++) {
        colons += s[i] == ':';

        if (ipv6 ? s[i] != ':' && s[i] != '.' && ll_redis_url_hex(s[i]) == -1
                 : s[i] != '-' && s[i] != '.' && s[i] != '_'
                   && !ll_redis_url_alphanumeric(s[i]))
        {
            return ipv6 ? "has an invalid IPv6 address"
                        : "has an invalid character in a host";
        }
    }

    if (ipv6) {
        return colons < 2 ? "has an invalid IPv6 address" : NULL;
    }

    /* nginx would take what follows as the path of a socket */

    return len == 4 && (s[0] | 0x20) == 'u' && (s[1] | 0x20) == 'n'
           && (s[2] | 0x20) == 'i' && (s[3] | 0x20) == 'x'
           ? "names a host \"unix\": write unix:PATH for a socket" : NULL;
}


/* parses the 1 to 5 digits of a port; 0 if they are none */
static unsigned
ll_redis_url_port(const char *s, size_t len)
{
    size_t    i;
    unsigned  n;

    if (len == 0 || len > 5) {
        return 0;
    }

    n = 0;

    for (i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9') {
            return 0;
        }

        n = n * 10 + (unsigned) (s[i] - '0');
    }

    return n > LL_REDIS_URL_PORT_MAX ? 0 : n;
}


/* parses "host", "host:port" or "[address]:port": NULL, or what is wrong */
static const char *
ll_redis_url_addr(ll_redis_url_addr_t *addr, const char *s, size_t len,
    unsigned port)
{
    int          ipv6;
    const char  *end, *after, *why;

    addr->text.data = s;
    addr->text.len = len;
    addr->port = port;

    end = s + len;
    ipv6 = len && *s == '[';

    if (ipv6) {
        s++;
        after = memchr(s, ']', (size_t) (end - s));

        if (after == NULL) {
            return "has an address without a closing bracket";
        }

    } else {
        after = len ? memchr(s, ':', len) : NULL;
        after = after ? after : end;
    }

    addr->host.data = s;
    addr->host.len = (size_t) (after - s);

    why = ll_redis_url_check_host(s, addr->host.len, ipv6);
    if (why) {
        return why;
    }

    after += ipv6;

    if (after == end) {
        return NULL;
    }

    if (!ipv6 && memchr(after + 1, ':', (size_t) (end - after - 1))) {
        return "has an IPv6 address without brackets";
    }

    addr->port = *after == ':'
                 ? ll_redis_url_port(after + 1, (size_t) (end - after - 1))
                 : 0;

    return addr->port ? NULL : "has a port that is not 1 to 65535";
}


/* parses addresses, separated by commas */
static int
ll_redis_url_addrs(ll_redis_url_t *url, const char *s, size_t len)
{
    int          several;
    size_t       n;
    unsigned     port;
    const char  *comma, *end, *why;

    port = url->kind == LL_REDIS_URL_SENTINEL ? LL_REDIS_URL_SENTINELS
                                              : LL_REDIS_URL_PORT;
    end = s + len;
    several = len && memchr(s, ',', len) != NULL;

    if (several && url->kind == LL_REDIS_URL_SINGLE) {
        return ll_redis_url_fail(url, "has several addresses: only "
                                 "redis+sentinel:// and redis+cluster:// may",
                                 0);
    }

    for ( ;; ) {
        if (url->naddrs == LL_REDIS_URL_ADDRS) {
            return ll_redis_url_fail(url, "has more than 16 addresses", 0);
        }

        comma = several ? memchr(s, ',', (size_t) (end - s)) : NULL;
        n = (size_t) ((comma ? comma : end) - s);

        why = ll_redis_url_addr(&url->addrs[url->naddrs++], s, n, port);
        if (why) {
            return ll_redis_url_fail(url, why, several ? url->naddrs : 0);
        }

        if (comma == NULL) {
            return 0;
        }

        s = comma + 1;
    }
}


/* parses the name of the primary, of characters that sentinels allow */
static int
ll_redis_url_name(ll_redis_url_t *url, const char *s, size_t len)
{
    size_t  i;

    if (len == 0) {
        return ll_redis_url_fail(url, "has no name of the primary: write "
                                 "redis+sentinel://HOST,HOST,HOST/NAME", 0);
    }

    for (i = 0; i < len; i++) {
        if (s[i] == '/') {
            return ll_redis_url_fail(url, "names a database after the name of "
                                     "the primary, but pub/sub is common to "
                                     "all databases", 0);
        }

        if (len > LL_REDIS_URL_NAME
            || (s[i] != '-' && s[i] != '.' && s[i] != '_'
                && !ll_redis_url_alphanumeric(s[i])))
        {
            return ll_redis_url_fail(url, "has a name of the primary that is "
                                     "not 1 to 128 of A-Z a-z 0-9 . _ -", 0);
        }
    }

    url->name.data = s;
    url->name.len = len;

    return 0;
}


/* parses what follows the scheme */
static int
ll_redis_url_tcp(ll_redis_url_t *url, const char *s, size_t len)
{
    const char  *p, *end, *slash;

    end = s + len;

    /* the host begins after the last "@": a password may contain a slash */

    for (p = end; p > s; p--) {
        if (p[-1] == '@') {
            if (ll_redis_url_userinfo(url, s, (size_t) (p - 1 - s)) == -1) {
                return -1;
            }

            s = p;
            break;
        }
    }

    slash = s < end ? memchr(s, '/', (size_t) (end - s)) : NULL;
    slash = slash ? slash : end;

    if (ll_redis_url_addrs(url, s, (size_t) (slash - s)) == -1) {
        return -1;
    }

    slash += slash < end;

    if (url->kind == LL_REDIS_URL_SENTINEL) {
        return ll_redis_url_name(url, slash, (size_t) (end - slash));
    }

    if (slash < end) {
        return ll_redis_url_fail(url, "names a database, but pub/sub is common "
                                 "to all databases: give each installation a "
                                 "prefix (--prefix, leaseloft_prefix) instead",
                                 0);
    }

    return 0;
}


static int
ll_redis_url_unix(ll_redis_url_t *url, const char *s, size_t len)
{
    url->kind = LL_REDIS_URL_UNIX;
    url->path.data = s;
    url->path.len = len;

    if (len == 0) {
        return ll_redis_url_fail(url, "has no path after \"unix:\"", 0);
    }

    if (len > LL_REDIS_URL_PATH) {
        return ll_redis_url_fail(url, "has a path that is too long for a unix "
                                 "socket", 0);
    }

    if (memchr(s, '\0', len)) {
        return ll_redis_url_fail(url, "has a null byte in its path", 0);
    }

    return 0;
}


int
ll_redis_url_parse(ll_redis_url_t *url, const char *s, size_t len)
{
    size_t                        n;
    const ll_redis_url_scheme_t  *scheme;

    memset(url, 0, sizeof(ll_redis_url_t));

    if (len >= 5 && memcmp(s, "unix:", 5) == 0) {
        return ll_redis_url_unix(url, s + 5, len - 5);
    }

    for (scheme = ll_redis_url_schemes; scheme->scheme; scheme++) {
        n = strlen(scheme->scheme);

        if (len >= n && memcmp(s, scheme->scheme, n) == 0) {
            url->kind = scheme->kind;
            url->tls = scheme->tls;

            return ll_redis_url_tcp(url, s + n, len - n);
        }
    }

    return ll_redis_url_fail(url, "is neither unix:PATH nor redis://HOST:PORT, "
                             "nor begins with rediss://, redis+sentinel:// or "
                             "rediss+sentinel://", 0);
}


int
ll_redis_url_check(ll_redis_url_t *url, int from_file)
{
    if (url->password.len && from_file) {
        return ll_redis_url_fail(url, "has a password, and a file with a "
                                 "password is given too", 0);
    }

    if (url->user.len && url->password.len == 0 && !from_file) {
        return ll_redis_url_fail(url, "has a user without a password: write "
                                 "user:password@, or give a file with the "
                                 "password", 0);
    }

    return 0;
}


void
ll_redis_url_mask(char *text)
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
