
/*
 * Values in replies of Redis.  Each is checked, since stored data is not
 * trusted.  Nothing is allocated; strings point into the reply.
 */


#include "ngx_leaseloft_reply.h"


ngx_int_t
ngx_leaseloft_reply_string(redisReply *list, size_t i, ngx_str_t *value)
{
    if (list->type != REDIS_REPLY_ARRAY || i >= list->elements
        || list->element[i]->type != REDIS_REPLY_STRING)
    {
        return NGX_ERROR;
    }

    value->data = (u_char *) list->element[i]->str;
    value->len = list->element[i]->len;

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_reply_tag(redisReply *list, size_t i, ngx_str_t *tag)
{
    if (ngx_leaseloft_reply_string(list, i, tag) != NGX_OK
        || !ll_cursor_tag_valid((char *) tag->data, tag->len))
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_reply_line(redisReply *list, size_t i, ngx_str_t *value)
{
    if (ngx_leaseloft_reply_string(list, i, value) != NGX_OK
        || ngx_strlchr(value->data, value->data + value->len, LF) != NULL)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_reply_number(redisReply *list, size_t i, uint64_t *value)
{
    if (list->element[i]->type != REDIS_REPLY_INTEGER
        || list->element[i]->integer < 0
        || list->element[i]->integer > (long long) LL_SEQ_MAX)
    {
        return NGX_ERROR;
    }

    *value = list->element[i]->integer;

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_reply_entry(redisReply *entries, size_t i, ngx_str_t *tag,
    ngx_str_t *entry)
{
    if (ngx_leaseloft_reply_string(entries, 2 * i, tag) != NGX_OK
        || (tag->len
            && ngx_leaseloft_reply_tag(entries, 2 * i, tag) != NGX_OK))
    {
        return NGX_ERROR;
    }

    return ngx_leaseloft_reply_line(entries, 2 * i + 1, entry);
}


ngx_int_t
ngx_leaseloft_reply_decimal(redisReply *reply, size_t i, uint64_t *value)
{
    ngx_int_t  n;
    ngx_str_t  text;

    if (ngx_leaseloft_reply_string(reply, i, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    n = ngx_atoi(text.data, text.len);
    if (n == NGX_ERROR) {
        return NGX_ERROR;
    }

    *value = n;

    return NGX_OK;
}
