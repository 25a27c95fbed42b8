
/*
 * Values in replies of Redis.  All return NGX_OK, or NGX_ERROR for what is
 * not there or not of that form.
 */


#ifndef NGX_LEASELOFT_REPLY_H
#define NGX_LEASELOFT_REPLY_H


#include "ngx_leaseloft.h"


/* the element i of a list of strings, such as a list of entries */
ngx_int_t ngx_leaseloft_reply_string(redisReply *list, size_t i,
    ngx_str_t *value);

/* the same, for one that is a tag */
ngx_int_t ngx_leaseloft_reply_tag(redisReply *list, size_t i, ngx_str_t *tag);

/*
 * the entry i (0, 1, …) of a list of tag, entry, …, the tag empty where the
 * entry is lost; NGX_ERROR: malformed
 */
ngx_int_t ngx_leaseloft_reply_entry(redisReply *entries, size_t i,
    ngx_str_t *tag, ngx_str_t *entry);

/* a string without a line feed, which can be a part of an event's line */
ngx_int_t ngx_leaseloft_reply_line(redisReply *list, size_t i,
    ngx_str_t *value);

/* an integer from 0 to LL_SEQ_MAX; i is less than list->elements */
ngx_int_t ngx_leaseloft_reply_number(redisReply *list, size_t i,
    uint64_t *value);

/* a string that is a decimal number, as fields of a hash hold it */
ngx_int_t ngx_leaseloft_reply_decimal(redisReply *list, size_t i,
    uint64_t *value);


#endif /* NGX_LEASELOFT_REPLY_H */
