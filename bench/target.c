
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target.h"
#include "token.h"


#define TARGET_BROWSER                                                        \
    "sec-ch-ua: \"Chromium\";v=\"130\", \"Not?A_Brand\";v=\"99\"\r\n"         \
    "sec-ch-ua-mobile: ?0\r\n"                                                \
    "sec-ch-ua-platform: \"Linux\"\r\n"                                       \
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 "         \
    "(KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36\r\n"                  \
    "Sec-Fetch-Site: same-origin\r\n"                                         \
    "Sec-Fetch-Mode: cors\r\n"                                                \
    "Sec-Fetch-Dest: empty\r\n"                                               \
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"                            \
    "Accept-Language: en-US,en;q=0.9,de;q=0.8\r\n"


static const target_t  *target;
static char           **target_tokens;         /* NULL: none are kept */
static char            *target_bad;
static char             target_filler[2048];
static char             target_host[64];


/* the number of properties whose tokens are stored; making one takes 3 us */
#define TARGET_KEPT  5000


static void
target_token(char *token, unsigned property, unsigned side)
{
    char  user[32];

    snprintf(user, sizeof(user), "%c%u", side ? 't' : 'l', property);
    token_make(token, target->key, target->key_len, user, target->token);
}


static const char *
target_find_token(unsigned property, unsigned side)
{
    static char  token[TOKEN_MAX + 1];

    if (target_tokens) {
        return target_tokens[(property - target->first) * TARGET_SIDES + side];
    }

    target_token(token, property, side);

    return token;
}


static int
target_keep_tokens(void)
{
    char      token[TOKEN_MAX + 1];
    char    **tokens;
    unsigned  i, n;

    n = target->properties * TARGET_SIDES;
    tokens = calloc(n, sizeof(char *));

    for (i = 0; tokens && i < n; i++) {
        target_token(token, target->first + i / TARGET_SIDES,
                     i % TARGET_SIDES);
        tokens[i] = strdup(token);

        if (tokens[i] == NULL) {
            return -1;
        }
    }

    target_tokens = tokens;

    return tokens ? 0 : -1;
}


/* another cookie brings a stream's request to the wanted size */
static int
target_fill(void)
{
    char    request[TARGET_REQUEST_MAX];
    size_t  n;

    n = target_stream(request, target->first, TARGET_LANDLORD, "");

    if (n + 10 >= target->headers) {
        return 0;
    }

    n = target->headers - n - 10;

    if (n + 10 >= sizeof(target_filler)) {
        return -1;
    }

    memcpy(target_filler, "; _visit=", 9);
    memset(target_filler + 9, 'v', n + 1);

    return 0;
}


int
target_init(const target_t *with)
{
    char  token[TOKEN_MAX + 1];

    target = with;

    snprintf(target_host, sizeof(target_host), "%s:%u", with->host,
             with->port);

    if (with->properties <= TARGET_KEPT && target_keep_tokens() == -1) {
        return -1;
    }

    target_token(token, with->first, 0);
    target_bad = strdup(token);

    return target_bad ? target_fill() : -1;
}


/*
 * A token whose signature is wrong, and new each time: the server has not seen
 * it before.
 */
static const char *
target_bad_token(void)
{
    char             *end;
    unsigned          i, n;
    static unsigned   serial;

    static const char  digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef";

    end = target_bad + strlen(target_bad) - 8;
    n = ++serial;

    for (i = 0; i < 6; i++) {
        end[i] = digits[n % 32];
        n /= 32;
    }

    return target_bad;
}


/* all headers that every request has, and the end of the line before them */
static size_t
target_headers(char *out, unsigned property, target_side_e side, int bad)
{
    const char  *token;

    token = bad ? target_bad_token() : target_find_token(property, side);

    return sprintf(out, " HTTP/1.1\r\nHost: %s\r\n" TARGET_BROWSER
                   "Referer: http://%s/p/b%u\r\n"
                   "Cookie: leaseloft_session=%s%s\r\n",
                   target_host, target_host, property, token, target_filler);
}


size_t
target_stream(char *out, unsigned property, target_side_e side,
    const char *last_id)
{
    size_t  n;

    n = sprintf(out, "GET /api/properties/b%u/events%s%s", property,
                *target->place ? "?" : "", target->place);
    n += target_headers(out + n, property, side, 0);
    n += sprintf(out + n, "Accept: text/event-stream\r\n"
                 "Cache-Control: no-cache\r\n");

    if (*last_id) {
        n += sprintf(out + n, "Last-Event-ID: %s\r\n", last_id);
    }

    n += sprintf(out + n, "\r\n");

    return n;
}


size_t
target_send(char *out, unsigned property, target_side_e side, uint64_t number,
    uint64_t at)
{
    static const char  say[] = "The heating in the bathroom has been making a "
                               "noise since last night. Could somebody please "
                               "come and have a look at it? ";

    int                len;
    char               body[512];
    size_t             n;

    n = snprintf(body, sizeof(body), "#%llu.%llu# ",
                 (unsigned long long) number, (unsigned long long) at);

    len = TARGET_TEXT - n;

    n = snprintf(body, sizeof(body),
                 "{\"client_id\":\"b-%d-%u-%llu\",\"text\":\"#%llu.%llu# "
                 "%.*s.\"}", getpid(), property,
                 (unsigned long long) number, (unsigned long long) number,
                 (unsigned long long) at, len - 1, say);

    len = n;

    n = sprintf(out, "POST /api/properties/b%u/messages", property);
    n += target_headers(out + n, property, side, 0);

    if (target->event_id) {
        n += sprintf(out + n, "Event-ID: %llu\r\n",
                     (unsigned long long) number);
    }

    n += sprintf(out + n, "Accept: */*\r\nOrigin: http://%s\r\n"
                 "Content-Type: application/json\r\n"
                 "Content-Length: %d\r\n\r\n%s", target_host, len, body);

    return n;
}


size_t
target_get(char *out, unsigned property, target_side_e side,
    const char *query, const char *etag, int bad)
{
    size_t  n;

    n = sprintf(out, "GET /api/properties/b%u/messages%s%s", property,
                *query ? "?" : "", query);
    n += target_headers(out + n, property, side, bad);
    n += sprintf(out + n, "Accept: */*\r\n");

    if (*etag) {
        n += sprintf(out + n, "If-None-Match: %s\r\n", etag);
    }

    n += sprintf(out + n, "\r\n");

    return n;
}


int
target_parse(const char *event, uint64_t *n, uint64_t *at)
{
    char        *end;
    const char  *p;

    p = strchr(event, '#');

    if (p == NULL) {
        return -1;
    }

    *n = strtoull(p + 1, &end, 10);

    if (*end != '.') {
        return -1;
    }

    *at = strtoull(end + 1, &end, 10);

    return *end == '#' ? 0 : -1;
}
