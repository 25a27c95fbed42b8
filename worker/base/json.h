
/*
 * JSON (RFC 8259): strict parsing (common/json_check.h, then cJSON), and
 * encoding.
 */


#ifndef JSON_H
#define JSON_H


#include <stddef.h>
#include <cjson/cJSON.h>

#include "buf.h"


/*
 * Parses the len bytes at s.  Returns the tree, to be freed by cJSON_Delete(),
 * or NULL with *why set to a constant sentence without subject ("is not
 * UTF-8").  An escaped NUL is replaced by U+0001.
 */
cJSON *json_parse(const char *s, size_t len, const char **why);

/* Appends len bytes of UTF-8 as a quoted string, without line breaks. */
void json_quote(buf_t *buf, const char *s, size_t len);

/* The same for a terminated string. */
void json_strings(buf_t *buf, const char *s);

/* Appends a time as a string; CLOCK_NEVER as null. */
void json_time(buf_t *buf, int64_t ms);


#endif /* JSON_H */
