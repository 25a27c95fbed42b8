
/* Parses searches; nothing is allocated. */

#include <stdio.h>
#include <string.h>

#include "date.h"
#include "date_parse.h"
#include "search.h"
#include "words.h"


static const char  *ll_search_names[LL_SEARCH_PARAMS] = {
    "q", "from", "since", "until", "before", "cursor", "limit"
};


void
ll_search_init(ll_search_t *search)
{
    memset(search, 0, sizeof(ll_search_t));

    search->since = LL_DATE_MIN;
    search->until = LL_DATE_MAX;
    search->before = LL_SEQ_MAX + 1;
    search->limit = LL_SEARCH_LIMIT;
}


const char *
ll_search_name(ll_search_param_e param)
{
    return ll_search_names[param];
}


static int
ll_search_set_limit(ll_search_t *search, const char *s, size_t len)
{
    uint64_t  n;

    if (ll_cursor_decode_seq(s, len, &n) != 0 || n < 1
        || n > LL_SEARCH_LIMIT_MAX)
    {
        return -1;
    }

    search->limit = (unsigned) n;

    return 0;
}


const char *
ll_search_set(ll_search_t *search, ll_search_param_e param, const char *s,
    size_t len)
{
    const char  *why;

    why = NULL;

    switch (param) {

    case LL_SEARCH_WORDS:
        why = ll_words_check(s, len);
        break;

    case LL_SEARCH_FROM:
        why = ll_id_valid(s, len) ? NULL : "\"from\" must be the id of a user.";
        break;

    case LL_SEARCH_SINCE:
        why = ll_date_parse(s, len, &search->since) == 0
              ? NULL : "\"since\" must be a time (RFC 3339).";
        break;

    case LL_SEARCH_UNTIL:
        why = ll_date_parse(s, len, &search->until) == 0
              ? NULL : "\"until\" must be a time (RFC 3339).";
        break;

    case LL_SEARCH_BEFORE:
        why = ll_cursor_decode_seq(s, len, &search->before) == 0
              ? NULL : "\"before\" must be the number of an entry.";
        break;

    case LL_SEARCH_CURSOR:
        why = ll_search_cursor_decode(&search->cursor, s, len) == 0
              ? NULL : "\"cursor\" must be the \"next\" of a page.";
        break;

    default:
        why = ll_search_set_limit(search, s, len) == 0
              ? NULL : "\"limit\" must be 1 to 200.";
        break;
    }

    search->params[param].data = s;
    search->params[param].len = len;

    return why;
}


/* the value of a hexadecimal digit, or -1 */
static int
ll_search_hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c |= 0x20;

    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}


/* unescapes s in place, and sets its new length: 0, or -1 */
static int
ll_search_unescape(char *s, size_t *len)
{
    int     high, low;
    char   *p;
    size_t  i;

    p = s;

    for (i = 0; i < *len; i++) {

        if (s[i] != '%') {
            *p++ = s[i] == '+' ? ' ' : s[i];
            continue;
        }

        high = i + 2 < *len ? ll_search_hex(s[i + 1]) : -1;
        low = i + 2 < *len ? ll_search_hex(s[i + 2]) : -1;

        if (high == -1 || low == -1) {
            return -1;
        }

        *p++ = (char) (high << 4 | low);
        i += 2;
    }

    *len = (size_t) (p - s);

    return 0;
}


/* the parameter of that name; LL_SEARCH_PARAMS: none */
static ll_search_param_e
ll_search_find(const char *name, size_t len)
{
    int  i;

    for (i = 0; i < LL_SEARCH_PARAMS; i++) {
        if (strlen(ll_search_names[i]) == len
            && memcmp(ll_search_names[i], name, len) == 0)
        {
            break;
        }
    }

    return (ll_search_param_e) i;
}


/* parses "NAME=VALUE" */
static const char *
ll_search_pair(ll_search_t *search, char *s, size_t len,
    ll_search_param_e except)
{
    char               *value;
    size_t              value_len;
    ll_search_param_e   param;

    value = memchr(s, '=', len);
    param = ll_search_find(s, value ? (size_t) (value - s) : len);

    if (param == LL_SEARCH_PARAMS || param == except
        || search->params[param].data)
    {
        return NULL;
    }

    value = value ? value + 1 : s + len;
    value_len = (size_t) (s + len - value);

    if (ll_search_unescape(value, &value_len) == -1) {
        return "The query has a \"%\" without two hexadecimal digits.";
    }

    return ll_search_set(search, param, value, value_len);
}


const char *
ll_search_parse(ll_search_t *search, char *query, size_t len,
    ll_search_param_e except)
{
    char        *p, *last, *end;
    const char  *why;

    ll_search_init(search);

    last = query + len;

    for (p = query; p < last; p = end + 1) {
        end = memchr(p, '&', (size_t) (last - p));
        end = end ? end : last;

        why = ll_search_pair(search, p, (size_t) (end - p), except);

        if (why) {
            return why;
        }
    }

    return search->params[LL_SEARCH_WORDS].data
           ? NULL : "\"q\" must have at least one word.";
}


int
ll_search_cursor_decode(ll_search_cursor_t *cursor, const char *s, size_t len)
{
    uint64_t     at;
    const char  *dot, *last;

    memset(cursor, 0, sizeof(ll_search_cursor_t));

    last = s + len;
    dot = len ? memchr(s, '.', len) : NULL;

    if (dot == NULL
        || ll_cursor_decode_seq(s, (size_t) (dot - s), &at) != 0)
    {
        return -1;
    }

    cursor->at.data = s;
    cursor->at.len = (size_t) (dot - s);
    cursor->property.data = dot + 1;

    dot = memchr(dot + 1, '.', (size_t) (last - dot - 1));
    cursor->property.len = (size_t) ((dot ? dot : last)
                                     - cursor->property.data);

    if (!ll_id_valid(cursor->property.data, cursor->property.len)) {
        return -1;
    }

    if (dot == NULL) {
        return 0;
    }

    return ll_cursor_decode_seq(dot + 1, (size_t) (last - dot - 1),
                                &cursor->seq) == 0 && cursor->seq > 0
           ? 0 : -1;
}


size_t
ll_search_cursor_encode(char *dst, const ll_search_cursor_t *cursor)
{
    int  n;

    n = snprintf(dst, LL_SEARCH_CURSOR_MAX + 1, "%.*s.%.*s",
                 (int) cursor->at.len, cursor->at.data,
                 (int) cursor->property.len, cursor->property.data);

    if (cursor->seq) {
        n += snprintf(dst + n, LL_SEARCH_CURSOR_MAX + 1 - (size_t) n, ".%llu",
                      (unsigned long long) cursor->seq);
    }

    return (size_t) n;
}
