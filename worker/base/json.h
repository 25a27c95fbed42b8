
/*
 * JSON (RFC 8259), strictly read with cJSON (see common/json_check.h), and
 * written.
 *
 * libjwt brings in jansson, whose json_string(), json_object() and so on are
 * global names: none of ours may be one of them.
 */


#ifndef JSON_H
#define JSON_H


#include <stddef.h>
#include <cjson/cJSON.h>

#include "buf.h"


/*
 * The tree of the len bytes at s, to be freed with cJSON_Delete(), or NULL,
 * with *why a constant sentence without subject ("is not UTF-8").
 * An escaped NUL arrives as U+0001.
 */
cJSON *json_parse(const char *s, size_t len, const char **why);

/* adds the len bytes, which are UTF-8, as a string with its quotes, one line */
void json_quote(buf_t *buf, const char *s, size_t len);

/* the same of a terminated string */
void json_strings(buf_t *buf, const char *s);

/* adds a time as a string; CLOCK_NEVER is null */
void json_time(buf_t *buf, int64_t ms);


#endif /* JSON_H */
