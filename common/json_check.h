
/*
 * A strict check of JSON (RFC 8259), to be made before cJSON parses it.
 *
 * cJSON is lenient: it accepts control characters in strings and as white
 * space, ends strings at an escaped NUL, accepts invalid escapes, and numbers
 * such as 01.
 */


#ifndef LL_JSON_CHECK_H
#define LL_JSON_CHECK_H


#include <stddef.h>


/* maximum nesting of arrays and objects */
#define LL_JSON_DEPTH  64


/*
 * Checks len bytes.  Returns 0, or -1 with *why set to a constant sentence
 * without subject ("is not UTF-8").
 *
 * An escaped NUL is valid JSON that a C string cannot contain: it is replaced,
 * in place, by U+0001, which is a control character too.
 */
int ll_json_check(char *s, size_t len, const char **why);


#endif /* LL_JSON_CHECK_H */
