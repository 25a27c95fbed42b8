
/* The map is the caller's; nothing is allocated. */


#include "ngx_leaseloft_slots.h"


/* [ FIRST, LAST, [ HOST, PORT, ... ], ... ]; the primary is first */
static ngx_int_t
ngx_leaseloft_slots_row(ll_slots_t *map, redisReply *row,
    ngx_leaseloft_server_t *asked)
{
    char         *host;
    size_t        len;
    redisReply  **e, *name, *port;

    e = row->element;

    if (row->type != REDIS_REPLY_ARRAY || row->elements < 3
        || e[0]->type != REDIS_REPLY_INTEGER
        || e[1]->type != REDIS_REPLY_INTEGER
        || e[2]->type != REDIS_REPLY_ARRAY || e[2]->elements < 2)
    {
        return NGX_ERROR;
    }

    name = e[2]->element[0];
    port = e[2]->element[1];

    if (port->type != REDIS_REPLY_INTEGER
        || (name->type != REDIS_REPLY_STRING && name->type != REDIS_REPLY_NIL))
    {
        return NGX_ERROR;
    }

    host = asked->host;
    len = ngx_strlen(host);

    if (name->type == REDIS_REPLY_STRING && name->len) {
        host = name->str;
        len = name->len;
    }

    if (len == 1 && host[0] == '?') {
        return NGX_OK;
    }

    return ll_slots_add(map, e[0]->integer, e[1]->integer, host, len,
                        port->integer)
           == 0 ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_leaseloft_slots_read(ll_slots_t *map, redisReply *reply,
    ngx_leaseloft_server_t *asked)
{
    size_t  i;

    /* with the names, as maps are compared by their bytes */

    ngx_memzero(map, sizeof(ll_slots_t));

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0) {
        return NGX_ERROR;
    }

    for (i = 0; i < reply->elements; i++) {
        if (ngx_leaseloft_slots_row(map, reply->element[i], asked) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_slots_redirect(ll_slots_redirect_t *to, char *text, size_t len,
    ngx_leaseloft_server_t *from)
{
    if (ll_slots_redirect(to, text, len) == -1) {
        return NGX_DECLINED;
    }

    if (to->host_len == 0) {
        to->host = from->host;
        to->host_len = ngx_strlen(from->host);
    }

    return NGX_OK;
}
