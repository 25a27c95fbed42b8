
/*
 * Calls ll1_view and parses its reply.  Nothing is copied: a view points into
 * the reply, which has to outlive it.
 */


#include "ngx_leaseloft_call.h"
#include "ngx_leaseloft_reply.h"
#include "ngx_leaseloft_view.h"


/* seconds between log messages about lost entries, which each read finds */
#define NGX_LEASELOFT_VIEW_LOST_LOG  60


/* indices in the reply of ll1_view; see docs/data.md */
enum {
    NGX_LEASELOFT_VIEW_VER = 0,
    NGX_LEASELOFT_VIEW_REV,
    NGX_LEASELOFT_VIEW_ROLE,
    NGX_LEASELOFT_VIEW_WINDOW,
    NGX_LEASELOFT_VIEW_FROM,
    NGX_LEASELOFT_VIEW_HEAD,
    NGX_LEASELOFT_VIEW_TAG,
    NGX_LEASELOFT_VIEW_SIGNATURE,
    NGX_LEASELOFT_VIEW_LABEL,
    NGX_LEASELOFT_VIEW_LEASE,
    NGX_LEASELOFT_VIEW_YOU,
    NGX_LEASELOFT_VIEW_PARTIES,
    NGX_LEASELOFT_VIEW_ON_CHAIN,
    NGX_LEASELOFT_VIEW_MORE,
    NGX_LEASELOFT_VIEW_FIRST,
    NGX_LEASELOFT_VIEW_ENTRIES,
    NGX_LEASELOFT_VIEW_ZONE,
    NGX_LEASELOFT_VIEW_SEALED,
    NGX_LEASELOFT_VIEW_CHECK,
    NGX_LEASELOFT_VIEW_ERASURES,
    NGX_LEASELOFT_VIEW_KNOWN_THEN,
    NGX_LEASELOFT_VIEW_ERASED,
    NGX_LEASELOFT_VIEW_ELEMENTS
};


static ngx_str_t  ngx_leaseloft_view_modes[] = {
    ngx_string("none"),
    ngx_string("after"),
    ngx_string("before"),
    ngx_string("newest")
};


static ngx_str_t  ngx_leaseloft_view_windows[] = {
    ngx_string("open"),
    ngx_string("closed"),
    ngx_string("pending")
};


ngx_leaseloft_command_t *
ngx_leaseloft_view_ask(ngx_leaseloft_cluster_t *cluster, ngx_str_t *property,
    ngx_str_t *user, ngx_leaseloft_view_mode_e mode, ll_cursor_t *cursor,
    ngx_uint_t limit, size_t bytes, uint64_t known,
    ngx_leaseloft_reply_pt handler, void *data)
{
    u_char     numbers[4 * NGX_INT64_LEN], *p;
    ngx_str_t  argv[7];

    argv[0] = *user;
    argv[1] = ngx_leaseloft_view_modes[mode];

    p = numbers;

    argv[2].data = p;
    p = ngx_sprintf(p, "%uL", cursor ? cursor->seq : 0);
    argv[2].len = p - argv[2].data;

    ngx_str_null(&argv[3]);

    if (cursor && cursor->tagged) {
        argv[3].data = (u_char *) cursor->tag;
        argv[3].len = LL_TAG_LEN;
    }

    argv[4].data = p;
    p = ngx_sprintf(p, "%ui", limit);
    argv[4].len = p - argv[4].data;

    argv[5].data = p;
    p = ngx_sprintf(p, "%uz", bytes ? bytes : (size_t) NGX_MAX_INT32_VALUE);
    argv[5].len = p - argv[5].data;

    argv[6].data = p;
    p = ngx_sprintf(p, "%uL", known);
    argv[6].len = p - argv[6].data;

    return ngx_leaseloft_call_property(cluster, LL_FUNCTION "view", property,
                                       7, argv, handler, data);
}


static ngx_int_t
ngx_leaseloft_view_window(redisReply *reply, ngx_leaseloft_window_e *window)
{
    ngx_uint_t  i;
    ngx_str_t   name;

    if (ngx_leaseloft_reply_string(reply, NGX_LEASELOFT_VIEW_WINDOW, &name)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i <= NGX_LEASELOFT_WINDOW_PENDING; i++) {
        if (name.len == ngx_leaseloft_view_windows[i].len
            && ngx_memcmp(name.data, ngx_leaseloft_view_windows[i].data,
                          name.len) == 0)
        {
            *window = i;
            return NGX_OK;
        }
    }

    return NGX_ERROR;
}


static ngx_int_t
ngx_leaseloft_view_read(redisReply *reply, ngx_str_t *property,
    ngx_leaseloft_view_t *view, ngx_log_t *log)
{
    uint64_t   on_chain, more;
    ngx_str_t  tag;

    if (reply->type != REDIS_REPLY_ARRAY
        || reply->elements != NGX_LEASELOFT_VIEW_ELEMENTS)
    {
        return NGX_ERROR;
    }

#define number(i, value)  ngx_leaseloft_reply_number(reply, i, value) != NGX_OK
#define string(i, value)  ngx_leaseloft_reply_string(reply, i, value) != NGX_OK
#define line(i, value)    ngx_leaseloft_reply_line(reply, i, value) != NGX_OK

    if (number(NGX_LEASELOFT_VIEW_VER, &view->ver)
        || number(NGX_LEASELOFT_VIEW_REV, &view->rev)
        || string(NGX_LEASELOFT_VIEW_ROLE, &view->role)
        || ngx_leaseloft_view_window(reply, &view->window) != NGX_OK
        || number(NGX_LEASELOFT_VIEW_FROM, &view->from)
        || number(NGX_LEASELOFT_VIEW_HEAD, &view->head.seq)
        || ngx_leaseloft_reply_tag(reply, NGX_LEASELOFT_VIEW_TAG, &tag)
           != NGX_OK
        || string(NGX_LEASELOFT_VIEW_SIGNATURE, &view->signature)
        || line(NGX_LEASELOFT_VIEW_LABEL, &view->label)
        || line(NGX_LEASELOFT_VIEW_LEASE, &view->lease)
        || line(NGX_LEASELOFT_VIEW_YOU, &view->you)
        || line(NGX_LEASELOFT_VIEW_PARTIES, &view->parties)
        || string(NGX_LEASELOFT_VIEW_ZONE, &view->zone)
        || number(NGX_LEASELOFT_VIEW_ON_CHAIN, &on_chain)
        || number(NGX_LEASELOFT_VIEW_MORE, &more)
        || number(NGX_LEASELOFT_VIEW_ERASURES, &view->erasures)
        || number(NGX_LEASELOFT_VIEW_KNOWN_THEN, &view->known)
        || ngx_leaseloft_entries_read(&view->entries, property, reply,
                                      NGX_LEASELOFT_VIEW_FIRST,
                                      NGX_LEASELOFT_VIEW_ENTRIES,
                                      NGX_LEASELOFT_VIEW_SEALED, log)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

#undef number
#undef string
#undef line

    ngx_memcpy(view->head.tag, tag.data, LL_TAG_LEN);
    view->head.tagged = 1;
    view->erased = reply->element[NGX_LEASELOFT_VIEW_ERASED];
    view->reset = on_chain == 0 || view->entries.reset;
    view->more = (more != 0 || view->entries.cut) && !view->reset;

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_view_parse(redisReply *reply, ngx_str_t *property,
    ngx_leaseloft_view_t *view, ngx_log_t *log)
{
    if (reply->type == REDIS_REPLY_NIL) {
        return NGX_DECLINED;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "redis refused to show a property: \"%s\"", reply->str);
        return NGX_ERROR;
    }

    if (ngx_leaseloft_view_read(reply, property, view, log) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "redis sent a malformed view of a property");
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_view_erased(ngx_leaseloft_view_t *view, ngx_uint_t i,
    uint64_t *seq, ngx_str_t *at)
{
    if (view->erased->type != REDIS_REPLY_ARRAY) {
        return NGX_ERROR;
    }

    if (i >= view->erased->elements / 2) {
        return NGX_DONE;
    }

    if (ngx_leaseloft_reply_decimal(view->erased, 2 * i, seq) != NGX_OK
        || ngx_leaseloft_reply_line(view->erased, 2 * i + 1, at) != NGX_OK
        || at->len != LL_DATE_LEN)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_leaseloft_view_free(ngx_leaseloft_view_t *view)
{
    ngx_leaseloft_entries_free(&view->entries);
}


void
ngx_leaseloft_view_lost(ngx_str_t *property, uint64_t seq, ngx_log_t *log)
{
    static time_t  next;

    if (ngx_time() < next) {
        return;
    }

    next = ngx_time() + NGX_LEASELOFT_VIEW_LOST_LOG;

    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "entry %uL of property \"%V\" is missing in redis, "
                  "it is sent as lost", seq, property);
}


ngx_int_t
ngx_leaseloft_view_base(ngx_pool_t *pool, ngx_str_t *property,
    ngx_leaseloft_view_t *view, ngx_str_t *base)
{
    base->data = ngx_pnalloc(pool, sizeof("{\"property\":\"\",\"label\":,"
                                          "\"lease\":,\"you\":,\"parties\":,"
                                          "\"head\":\".\"") + LL_CURSOR_MAX
                                   + property->len + view->label.len
                                   + view->lease.len + view->you.len
                                   + view->parties.len);
    if (base->data == NULL) {
        return NGX_ERROR;
    }

    base->len = ngx_sprintf(base->data,
                            "{\"property\":\"%V\",\"label\":%V,\"lease\":%V,"
                            "\"you\":%V,\"parties\":%V,\"head\":\"%uL.%*s\"",
                            property, &view->label, &view->lease, &view->you,
                            &view->parties, view->head.seq,
                            (size_t) LL_TAG_LEN, view->head.tag)
                - base->data;

    return NGX_OK;
}
