
/*
 * JSON (RFC 8259), strictly read with cJSON, and written.
 *
 * cJSON by itself is lenient: it accepts control characters in strings and as
 * white space, ends strings at an escaped NUL, takes bad escapes for one, and
 * reads numbers such as 01.  So the grammar is checked here first, and cJSON
 * builds the tree of what is known to be good.
 *
 * libjwt brings in jansson, whose json_string(), json_object() and so on are
 * global names: none of ours may be one of them.
 */


#ifndef JSON_H
#define JSON_H


#include <stddef.h>
#include <cjson/cJSON.h>

#include "buf.h"


/* arrays and objects in each other */
#define JSON_DEPTH  64


/*
 * The tree of the len bytes at s, to be freed with cJSON_Delete(), or NULL,
 * with *why a constant sentence without subject ("is not UTF-8").
 *
 * An escaped NUL is legal JSON that a C string cannot hold: it arrives as
 * U+0001, which is a control character just the same.
 */
cJSON *json_parse(const char *s, size_t len, const char **why);

/* adds the len bytes, which are UTF-8, as a string with its quotes, one line */
void json_quote(buf_t *buf, const char *s, size_t len);

/* the same of a terminated string */
void json_strings(buf_t *buf, const char *s);

/* adds a time as a string; CLOCK_NEVER is null */
void json_time(buf_t *buf, int64_t ms);


#endif /* JSON_H */
