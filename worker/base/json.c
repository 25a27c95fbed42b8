
/* Parses JSON with cJSON after a strict check, and appends JSON to buffers. */

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "common/json_check.h"
#include "json.h"


cJSON *
json_parse(const char *s, size_t len, const char **why)
{
    char   *copy;
    cJSON  *tree;

    copy = malloc(len + 1);
    if (copy == NULL) {
        *why = "does not fit in memory";
        return NULL;
    }

    if (len) {
        memcpy(copy, s, len);
    }

    copy[len] = '\0';

    tree = NULL;

    if (ll_json_check(copy, len, why) == 0) {
        tree = cJSON_ParseWithLength(copy, len + 1);

        if (tree == NULL) {

            /* a number of more than 63 digits, or memory is short */

            *why = "could not be read";
        }
    }

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
