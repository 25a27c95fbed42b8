
/*
 * The grammar of JSON (RFC 8259), strictly.
 *
 * cJSON by itself is lenient: it accepts control characters in strings and as
 * white space, ends strings at an escaped NUL, takes bad escapes for one, and
 * reads numbers such as 01.  So the grammar is checked here first, and cJSON
 * builds the tree of what is known to be good.
 */


#ifndef LL_JSON_CHECK_H
#define LL_JSON_CHECK_H


#include <stddef.h>


/* arrays and objects in each other */
#define LL_JSON_DEPTH  64


/*
 * 0, or -1 with *why a constant sentence without subject ("is not UTF-8").
 *
 * An escaped NUL is legal JSON that a C string cannot hold: in place, it
 * becomes U+0001, which is a control character just the same.
 */
int ll_json_check(char *s, size_t len, const char **why);


#endif /* LL_JSON_CHECK_H */
