
/*
 * A recursive descent parser of bounded depth.  It works on the caller's bytes,
 * in which it replaces an escaped NUL, and allocates nothing.
 */


#include <string.h>

#include "json_check.h"
#include "utf8.h"


typedef struct {
    char        *p;
    char        *end;
    const char  *why;
    int          depth;
} ll_json_scan_t;


static int ll_json_check_value(ll_json_scan_t *scan);


static int
ll_json_check_fail(ll_json_scan_t *scan, const char *why)
{
    if (scan->why == NULL) {
        scan->why = why;
    }

    return -1;
}


static void
ll_json_check_space(ll_json_scan_t *scan)
{
    while (scan->p < scan->end
           && (*scan->p == ' ' || *scan->p == '\t' || *scan->p == '\n'
               || *scan->p == '\r'))
    {
        scan->p++;
    }
}


/* if c is next, skips it and returns 1, else 0 */
static int
ll_json_check_accept(ll_json_scan_t *scan, char c)
{
    if (scan->p == scan->end || *scan->p != c) {
        return 0;
    }

    scan->p++;

    return 1;
}


/* parses the four digits of an escape; -1 if they are not */
static int
ll_json_check_hex(ll_json_scan_t *scan)
{
    int   i, value;
    char  c;

    if (scan->end - scan->p < 4) {
        return -1;
    }

    value = 0;

    for (i = 0; i < 4; i++) {
        c = *scan->p++;

        if (c >= '0' && c <= '9') {
            value = value * 16 + (c - '0');

        } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
            value = value * 16 + ((c | 0x20) - 'a' + 10);

        } else {
            return -1;
        }
    }

    return value;
}


/* parses the rest of an escape after "\u" */
static int
ll_json_check_unicode(ll_json_scan_t *scan)
{
    int  c;

    c = ll_json_check_hex(scan);

    if (c < 0) {
        return ll_json_check_fail(scan, "has a bad escape in a string");
    }

    if (c == 0) {
        scan->p[-1] = '1';         /* U+0001, see json_check.h */
        return 0;
    }

    if (c < 0xd800 || c > 0xdfff) {
        return 0;
    }

    if (c > 0xdbff
        || !ll_json_check_accept(scan, '\\')
        || !ll_json_check_accept(scan, 'u'))
    {
        return ll_json_check_fail(scan,
                                  "has half of a surrogate pair in a string");
    }

    c = ll_json_check_hex(scan);

    if (c < 0xdc00 || c > 0xdfff) {
        return ll_json_check_fail(scan,
                                  "has half of a surrogate pair in a string");
    }

    return 0;
}


static int
ll_json_check_string(ll_json_scan_t *scan)
{
    char  c;

    if (!ll_json_check_accept(scan, '"')) {
        return -1;
    }

    while (scan->p < scan->end) {
        c = *scan->p++;

        if (c == '"') {
            return 0;
        }

        if ((unsigned char) c < 0x20) {
            return ll_json_check_fail(scan, "has a raw control character in "
                                      "a string");
        }

        if (c != '\\') {
            continue;
        }

        if (ll_json_check_accept(scan, 'u')) {
            if (ll_json_check_unicode(scan) != 0) {
                return -1;
            }

            continue;
        }

        if (scan->p == scan->end || *scan->p == '\0'
            || strchr("\"\\/bfnrt", *scan->p) == NULL)
        {
            return ll_json_check_fail(scan, "has a bad escape in a string");
        }

        scan->p++;
    }

    return ll_json_check_fail(scan, "has a string without an end");
}


/* skips digits, of which there must be one */
static int
ll_json_check_digits(ll_json_scan_t *scan)
{
    char  *start;

    start = scan->p;

    while (scan->p < scan->end && *scan->p >= '0' && *scan->p <= '9') {
        scan->p++;
    }

    return scan->p == start ? -1 : 0;
}


static int
ll_json_check_number(ll_json_scan_t *scan)
{
    (void) ll_json_check_accept(scan, '-');

    if (!ll_json_check_accept(scan, '0') && ll_json_check_digits(scan) != 0) {
        return -1;
    }

    if (ll_json_check_accept(scan, '.') && ll_json_check_digits(scan) != 0) {
        return -1;
    }

    if (ll_json_check_accept(scan, 'e') || ll_json_check_accept(scan, 'E')) {
        if (!ll_json_check_accept(scan, '+')) {
            (void) ll_json_check_accept(scan, '-');
        }

        return ll_json_check_digits(scan);
    }

    return 0;
}


static int
ll_json_check_literal(ll_json_scan_t *scan, const char *word)
{
    size_t  len;

    len = strlen(word);

    if ((size_t) (scan->end - scan->p) < len
        || memcmp(scan->p, word, len) != 0)
    {
        return -1;
    }

    scan->p += len;

    return 0;
}


/* parses an array or, with keys, an object */
static int
ll_json_check_container(ll_json_scan_t *scan, int keys, char close)
{
    if (++scan->depth > LL_JSON_DEPTH) {
        return ll_json_check_fail(scan, "is nested too deeply");
    }

    scan->p++;
    ll_json_check_space(scan);

    if (ll_json_check_accept(scan, close)) {
        scan->depth--;
        return 0;
    }

    do {
        ll_json_check_space(scan);

        if (keys) {
            if (ll_json_check_string(scan) != 0) {
                return -1;
            }

            ll_json_check_space(scan);

            if (!ll_json_check_accept(scan, ':')) {
                return -1;
            }
        }

        if (ll_json_check_value(scan) != 0) {
            return -1;
        }

    } while (ll_json_check_accept(scan, ','));

    scan->depth--;

    return ll_json_check_accept(scan, close) ? 0 : -1;
}


/* parses a value and the white space around it */
static int
ll_json_check_value(ll_json_scan_t *scan)
{
    int  rc;

    ll_json_check_space(scan);

    if (scan->p == scan->end) {
        return -1;
    }

    switch (*scan->p) {

    case '{':
        rc = ll_json_check_container(scan, 1, '}');
        break;

    case '[':
        rc = ll_json_check_container(scan, 0, ']');
        break;

    case '"':
        rc = ll_json_check_string(scan);
        break;

    case 't':
        rc = ll_json_check_literal(scan, "true");
        break;

    case 'f':
        rc = ll_json_check_literal(scan, "false");
        break;

    case 'n':
        rc = ll_json_check_literal(scan, "null");
        break;

    default:
        rc = ll_json_check_number(scan);
        break;
    }

    ll_json_check_space(scan);

    return rc;
}


static int
ll_json_check_document(ll_json_scan_t *scan)
{
    ll_json_check_space(scan);

    if (scan->p == scan->end) {
        return ll_json_check_fail(scan, "is empty");
    }

    if (!ll_utf8_valid(scan->p, (size_t) (scan->end - scan->p))) {
        return ll_json_check_fail(scan, "is not UTF-8");
    }

    if (ll_json_check_value(scan) != 0) {
        return ll_json_check_fail(scan, "is not JSON");
    }

    if (scan->p != scan->end) {
        return ll_json_check_fail(scan, "has something after the JSON");
    }

    return 0;
}


int
ll_json_check(char *s, size_t len, const char **why)
{
    ll_json_scan_t  scan;

    scan.p = s;
    scan.end = s + len;
    scan.why = NULL;
    scan.depth = 0;

    (void) ll_json_check_document(&scan);

    *why = scan.why;

    return scan.why ? -1 : 0;
}
