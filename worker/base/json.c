
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "json.h"
#include "text.h"


typedef struct {
    char        *p;
    char        *end;
    const char  *why;
    int          depth;
} json_scan_t;


static int json_value(json_scan_t *scan);


static int
json_fail(json_scan_t *scan, const char *why)
{
    if (scan->why == NULL) {
        scan->why = why;
    }

    return -1;
}


static void
json_space(json_scan_t *scan)
{
    while (scan->p < scan->end
           && (*scan->p == ' ' || *scan->p == '\t' || *scan->p == '\n'
               || *scan->p == '\r'))
    {
        scan->p++;
    }
}


/* 1 if c is next, moving past it, else 0 */

static int
json_is(json_scan_t *scan, char c)
{
    if (scan->p == scan->end || *scan->p != c) {
        return 0;
    }

    scan->p++;

    return 1;
}


/* the four digits of an escape, or -1 */

static int
json_hex(json_scan_t *scan)
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


/* what follows "\u" */

static int
json_unicode(json_scan_t *scan)
{
    int  c;

    c = json_hex(scan);

    if (c < 0) {
        return json_fail(scan, "has a bad escape in a string");
    }

    if (c == 0) {
        scan->p[-1] = '1';         /* as the header says */
        return 0;
    }

    if (c < 0xd800 || c > 0xdfff) {
        return 0;
    }

    if (c > 0xdbff || !json_is(scan, '\\') || !json_is(scan, 'u')) {
        return json_fail(scan, "has half of a surrogate pair in a string");
    }

    c = json_hex(scan);

    if (c < 0xdc00 || c > 0xdfff) {
        return json_fail(scan, "has half of a surrogate pair in a string");
    }

    return 0;
}


static int
json_text(json_scan_t *scan)
{
    char  c;

    if (!json_is(scan, '"')) {
        return -1;
    }

    while (scan->p < scan->end) {
        c = *scan->p++;

        if (c == '"') {
            return 0;
        }

        if ((unsigned char) c < 0x20) {
            return json_fail(scan, "has a raw control character in a string");
        }

        if (c != '\\') {
            continue;
        }

        if (json_is(scan, 'u')) {
            if (json_unicode(scan) != 0) {
                return -1;
            }

            continue;
        }

        if (scan->p == scan->end || *scan->p == '\0'
            || strchr("\"\\/bfnrt", *scan->p) == NULL)
        {
            return json_fail(scan, "has a bad escape in a string");
        }

        scan->p++;
    }

    return json_fail(scan, "has a string without an end");
}


/* at least one digit */

static int
json_digits(json_scan_t *scan)
{
    char  *start;

    start = scan->p;

    while (scan->p < scan->end && *scan->p >= '0' && *scan->p <= '9') {
        scan->p++;
    }

    return scan->p == start ? -1 : 0;
}


static int
json_number(json_scan_t *scan)
{
    (void) json_is(scan, '-');

    if (!json_is(scan, '0') && json_digits(scan) != 0) {
        return -1;
    }

    if (json_is(scan, '.') && json_digits(scan) != 0) {
        return -1;
    }

    if (json_is(scan, 'e') || json_is(scan, 'E')) {
        if (!json_is(scan, '+')) {
            (void) json_is(scan, '-');
        }

        return json_digits(scan);
    }

    return 0;
}


static int
json_word(json_scan_t *scan, const char *word)
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


/* an array or, with keys, an object, up to its closing bracket */

static int
json_list(json_scan_t *scan, int keys, char close)
{
    if (++scan->depth > JSON_DEPTH) {
        return json_fail(scan, "is nested too deeply");
    }

    scan->p++;
    json_space(scan);

    if (json_is(scan, close)) {
        scan->depth--;
        return 0;
    }

    do {
        json_space(scan);

        if (keys) {
            if (json_text(scan) != 0) {
                return -1;
            }

            json_space(scan);

            if (!json_is(scan, ':')) {
                return -1;
            }
        }

        if (json_value(scan) != 0) {
            return -1;
        }

    } while (json_is(scan, ','));

    scan->depth--;

    return json_is(scan, close) ? 0 : -1;
}


/* a value with the white space around it */

static int
json_value(json_scan_t *scan)
{
    int  rc;

    json_space(scan);

    if (scan->p == scan->end) {
        return -1;
    }

    switch (*scan->p) {

    case '{':
        rc = json_list(scan, 1, '}');
        break;

    case '[':
        rc = json_list(scan, 0, ']');
        break;

    case '"':
        rc = json_text(scan);
        break;

    case 't':
        rc = json_word(scan, "true");
        break;

    case 'f':
        rc = json_word(scan, "false");
        break;

    case 'n':
        rc = json_word(scan, "null");
        break;

    default:
        rc = json_number(scan);
        break;
    }

    json_space(scan);

    return rc;
}


/* 0, or -1 with scan->why; escaped NULs are replaced */

static int
json_check(json_scan_t *scan)
{
    json_space(scan);

    if (scan->p == scan->end) {
        return json_fail(scan, "is empty");
    }

    if (!text_valid(scan->p, (size_t) (scan->end - scan->p))) {
        return json_fail(scan, "is not UTF-8");
    }

    if (json_value(scan) != 0) {
        return json_fail(scan, "is not JSON");
    }

    if (scan->p != scan->end) {
        return json_fail(scan, "has something after the JSON");
    }

    return 0;
}


cJSON *
json_parse(const char *s, size_t len, const char **why)
{
    char         *copy;
    cJSON        *tree;
    json_scan_t   scan;

    copy = malloc(len + 1);
    if (copy == NULL) {
        *why = "does not fit in memory";
        return NULL;
    }

    if (len) {
        memcpy(copy, s, len);
    }

    copy[len] = '\0';

    scan.p = copy;
    scan.end = copy + len;
    scan.why = NULL;
    scan.depth = 0;

    tree = NULL;

    if (json_check(&scan) == 0) {
        tree = cJSON_ParseWithLength(copy, len + 1);

        if (tree == NULL) {

            /* a number of over 63 digits, or no memory */

            scan.why = "could not be read";
        }
    }

    *why = scan.why;
    free(copy);

    return tree;
}


void
json_quote(buf_t *buf, const char *s, size_t len)
{
    char               escape[6] = "\\u00";
    size_t             i, from;
    unsigned char      c;
    const char        *found;

    static const char  hex[] = "0123456789abcdef";
    static const char  chars[] = "\"\\\b\f\n\r\t";
    static const char  letters[] = "\"\\bfnrt";

    buf_lit(buf, "\"");

    from = 0;

    for (i = 0; i < len; i++) {
        c = (unsigned char) s[i];

        if (c >= 0x20 && c != '"' && c != '\\') {
            continue;
        }

        buf_add(buf, s + from, i - from);
        from = i + 1;

        found = c ? strchr(chars, c) : NULL;

        if (found) {
            escape[1] = letters[found - chars];
            buf_add(buf, escape, 2);

        } else {
            escape[1] = 'u';
            escape[4] = hex[c >> 4];
            escape[5] = hex[c & 0xf];
            buf_add(buf, escape, 6);
        }
    }

    buf_add(buf, s + from, len - from);
    buf_lit(buf, "\"");
}


void
json_strings(buf_t *buf, const char *s)
{
    json_quote(buf, s, strlen(s));
}


void
json_time(buf_t *buf, int64_t ms)
{
    char  text[CLOCK_LEN + 1];

    if (ms == CLOCK_NEVER) {
        buf_lit(buf, "null");
        return;
    }

    clock_format(text, ms);
    json_quote(buf, text, CLOCK_LEN);
}
