
/*
 * Values in replies of Redis.  All functions return NGX_OK, or NGX_ERROR when
 * the element is missing or has another form.
 */


#ifndef NGX_LEASELOFT_REPLY_H
#define NGX_LEASELOFT_REPLY_H


#include "ngx_leaseloft.h"


/* the element i (0, 1, …) of a list of strings; points into the reply */
ngx_int_t ngx_leaseloft_reply_string(redisReply *list, size_t i,
    ngx_str_t *value);

/* the same, for a tag (LL_TAG_LEN bytes) */
ngx_int_t ngx_leaseloft_reply_tag(redisReply *list, size_t i, ngx_str_t *tag);

/*
 * The entry i (0, 1, …) of a list of tag, entry, tag, entry, ….  The tag is
 * empty if the entry is lost.
 */
ngx_int_t ngx_leaseloft_reply_entry(redisReply *entries, size_t i,
    ngx_str_t *tag, ngx_str_t *entry);

/* a string without a line feed, which can be part of an event's line */
ngx_int_t ngx_leaseloft_reply_line(redisReply *list, size_t i,
    ngx_str_t *value);

/* an integer from 0 to LL_SEQ_MAX; i must be less than list->elements */
ngx_int_t ngx_leaseloft_reply_number(redisReply *list, size_t i,
    uint64_t *value);

/* a string with a decimal number, as in fields of a hash */
ngx_int_t ngx_leaseloft_reply_decimal(redisReply *list, size_t i,
    uint64_t *value);


#endif /* NGX_LEASELOFT_REPLY_H */
