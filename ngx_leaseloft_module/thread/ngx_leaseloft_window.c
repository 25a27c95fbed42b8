
/* Parses the reply of ll1_record, and completes it from entries. */


#include "ngx_leaseloft_reply.h"
#include "ngx_leaseloft_rows.h"
#include "ngx_leaseloft_window.h"


/* the reply of ll1_record */
enum {
    NGX_LEASELOFT_WINDOW_FIRST = 0,
    NGX_LEASELOFT_WINDOW_LAST,
    NGX_LEASELOFT_WINDOW_ROLE,
    NGX_LEASELOFT_WINDOW_LABEL,
    NGX_LEASELOFT_WINDOW_ZONE,
    NGX_LEASELOFT_WINDOW_CLOSED,
    NGX_LEASELOFT_WINDOW_READER,
    NGX_LEASELOFT_WINDOW_MARK,
    NGX_LEASELOFT_WINDOW_ELEMENTS
};


/* what take() of entries sets */
typedef struct {
    ngx_leaseloft_window_t     *window;
    ngx_pool_t                 *pool;
    u_char                     *hash;
} ngx_leaseloft_window_take_t;


/* copies a string of the reply */
static ngx_int_t
ngx_leaseloft_window_string(ngx_pool_t *pool, redisReply *reply, size_t i,
    ngx_str_t *value)
{
    ngx_str_t  text;

    if (ngx_leaseloft_reply_string(reply, i, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    value->len = text.len;
    value->data = ngx_pnalloc(pool, text.len + 1);

    if (value->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(value->data, text.data, text.len);

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_window_parse(ngx_leaseloft_window_t *window, redisReply *reply,
    ngx_pool_t *pool)
{
    uint64_t  closed;

    if (reply->type == REDIS_REPLY_NIL) {
        return NGX_DECLINED;
    }

    if (reply->type != REDIS_REPLY_ARRAY
        || reply->elements != NGX_LEASELOFT_WINDOW_ELEMENTS
        || ngx_leaseloft_reply_number(reply, NGX_LEASELOFT_WINDOW_FIRST,
                                      &window->first) != NGX_OK
        || ngx_leaseloft_reply_number(reply, NGX_LEASELOFT_WINDOW_LAST,
                                      &window->last) != NGX_OK
        || ngx_leaseloft_reply_number(reply, NGX_LEASELOFT_WINDOW_CLOSED,
                                      &closed) != NGX_OK
        || ngx_leaseloft_window_string(pool, reply, NGX_LEASELOFT_WINDOW_ROLE,
                                       &window->role) != NGX_OK
        || ngx_leaseloft_window_string(pool, reply, NGX_LEASELOFT_WINDOW_LABEL,
                                       &window->label) != NGX_OK
        || ngx_leaseloft_window_string(pool, reply, NGX_LEASELOFT_WINDOW_ZONE,
                                       &window->zone) != NGX_OK
        || ngx_leaseloft_window_string(pool, reply, NGX_LEASELOFT_WINDOW_READER,
                                       &window->reader) != NGX_OK
        || ngx_leaseloft_window_string(pool, reply, NGX_LEASELOFT_WINDOW_MARK,
                                       &window->newest) != NGX_OK
        || window->first < 1 || window->last < window->first - 1)
    {
        return NGX_ERROR;
    }

    window->closed = closed;

    return window->reader.len ? NGX_OK : NGX_AGAIN;
}


static ngx_int_t
ngx_leaseloft_window_take_party(void *data, ll_segment_entry_t *entry)
{
    ngx_leaseloft_window_take_t *take = data;

    ngx_str_t        text;
    ll_record_str_t  party;

    if (entry->salt == NULL
        || ll_record_party(entry->entry, entry->len, &party) != 0)
    {
        return NGX_OK;
    }

    text.data = (u_char *) party.data;
    text.len = party.len;

    take->window->reader.len = text.len;
    take->window->reader.data = ngx_pstrdup(take->pool, &text);

    return take->window->reader.data ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_leaseloft_window_party(ngx_leaseloft_window_t *window, redisReply *reply,
    ngx_str_t *user, ngx_pool_t *pool)
{
    u_char                       *p;
    ngx_leaseloft_window_take_t   take;

    take.window = window;
    take.pool = pool;

    if (ngx_leaseloft_rows_read(reply, window->last, window->last,
                                ngx_leaseloft_window_take_party, &take,
                                pool->log) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (window->reader.len) {
        return NGX_OK;
    }

    /* that entry is lost */

    p = ngx_pnalloc(pool, user->len + window->role.len
                    + sizeof("{\"user\":\"\",\"role\":\"\",\"name\":null}"));
    if (p == NULL) {
        return NGX_ERROR;
    }

    window->reader.data = p;
    window->reader.len = ngx_sprintf(p, "{\"user\":\"%V\",\"role\":\"%V\","
                                     "\"name\":null}", user, &window->role) - p;

    return NGX_OK;
}


static ngx_int_t
ngx_leaseloft_window_take_hash(void *data, ll_segment_entry_t *entry)
{
    ngx_leaseloft_window_take_t *take = data;

    if (entry->hash) {
        ngx_memcpy(take->hash, entry->hash, LL_RECORD_HASH);
    }

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_window_base(ngx_leaseloft_window_t *window, redisReply *reply,
    u_char hash[LL_RECORD_HASH], ngx_log_t *log)
{
    ngx_leaseloft_window_take_t  take;

    take.hash = hash;

    return ngx_leaseloft_rows_read(reply, window->first - 1, window->first - 1,
                                   ngx_leaseloft_window_take_hash, &take, log)
           == NGX_OK
           ? NGX_OK : NGX_ERROR;
}
