
/* The greeting of a connection, which owns the greeting and the writer. */


#include "ngx_leaseloft_greeting.h"
#include "ngx_leaseloft_write_probe.h"


/* what "left" is when the reply arrives; that of HELLO only if it was sent */
#define NGX_LEASELOFT_GREETING_HELLO   3
#define NGX_LEASELOFT_GREETING_LAYOUT  2
#define NGX_LEASELOFT_GREETING_PROBE   1

/* bytes of an unknown layout that are shown */
#define NGX_LEASELOFT_GREETING_SHOWN   20


ngx_int_t
ngx_leaseloft_greeting_start(ngx_leaseloft_greeting_t *greeting,
    ngx_leaseloft_writer_t *writer, ngx_leaseloft_redis_conf_t *rcf,
    ngx_uint_t queue)
{
    char       name[LL_KEY_MAX], layout[LL_KEY_MAX];
    ngx_str_t  ping, hello, get[2], channel;
    ngx_str_t  probe[NGX_LEASELOFT_WRITE_PROBE_ARGS];

    ngx_str_set(&ping, "PING");

    ngx_str_set(&hello, "HELLO");

    ngx_str_set(&get[0], "GET");
    get[1].len = ll_keys_layout(layout, queue);
    get[1].data = (u_char *) layout;

    channel.len = ll_keys_reply_channel(name, "probe", sizeof("probe") - 1);
    channel.data = (u_char *) name;

    ngx_leaseloft_write_probe_command(probe, &channel);

    greeting->hello = !rcf->cluster;
    greeting->left = 3 + greeting->hello + (rcf->password.len != 0);

    if ((rcf->password.len && ngx_leaseloft_writer_auth(writer, rcf) != NGX_OK)
        || ngx_leaseloft_writer_append(writer, 1, &ping) != NGX_OK
        || (greeting->hello
            && ngx_leaseloft_writer_append(writer, 1, &hello) != NGX_OK)
        || ngx_leaseloft_writer_append(writer, 2, get) != NGX_OK
        || ngx_leaseloft_writer_append(writer, NGX_LEASELOFT_WRITE_PROBE_ARGS,
                                       probe)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* 1 if the connection cannot be used for this error */
static ngx_uint_t
ngx_leaseloft_greeting_refused(ngx_leaseloft_greeting_t *greeting,
    redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ERROR) {
        return 0;
    }

    /*
     * Reads work without the right to GET or XADD, which health names.  In a
     * cluster the keys may be elsewhere.
     */

    return greeting->left > NGX_LEASELOFT_GREETING_LAYOUT + greeting->hello
           || (greeting->left == NGX_LEASELOFT_GREETING_PROBE
               && ngx_leaseloft_write_probe_demoted(reply));
}


/*
 * 1 if the reply to HELLO says that the server is one of a cluster, where nginx
 * would hear nothing of workers that know it
 */
static ngx_uint_t
ngx_leaseloft_greeting_cluster(redisReply *reply)
{
    size_t       i;
    redisReply  *name, *value;

    for (i = 0; i + 1 < reply->elements; i += 2) {
        name = reply->element[i];
        value = reply->element[i + 1];

        if (name->type == REDIS_REPLY_STRING
            && value->type == REDIS_REPLY_STRING
            && ngx_strcmp(name->str, "mode") == 0)
        {
            return ngx_strcmp(value->str, "cluster") == 0;
        }
    }

    return 0;
}


ngx_int_t
ngx_leaseloft_greeting_reply(ngx_leaseloft_greeting_t *greeting,
    redisReply *reply, char *reason, size_t size)
{
    if (greeting->left == 0) {
        (void) ngx_cpystrn((u_char *) reason, (u_char *) "unexpected reply",
                           size);
        return NGX_ERROR;
    }

    if (ngx_leaseloft_greeting_refused(greeting, reply)) {
        return NGX_DECLINED;
    }

    if (greeting->hello && greeting->left == NGX_LEASELOFT_GREETING_HELLO
        && ngx_leaseloft_greeting_cluster(reply))
    {
        (void) ngx_cpystrn((u_char *) reason,
                           (u_char *) "it is a server of a Redis Cluster, its "
                                      "URL begins with redis+cluster://",
                           size);
        return NGX_ERROR;
    }

    /* nil: a new Redis, whose layout the first worker sets */

    if (greeting->left == NGX_LEASELOFT_GREETING_LAYOUT
        && reply->type == REDIS_REPLY_STRING
        && ngx_strcmp(reply->str, LL_LAYOUT) != 0)
    {
        (void) ngx_snprintf((u_char *) reason, size,
                            "it has data of layout %*s, this nginx needs "
                            "layout " LL_LAYOUT "%Z",
                            ngx_min(reply->len, NGX_LEASELOFT_GREETING_SHOWN),
                            reply->str);
        reason[size - 1] = '\0';
        return NGX_ERROR;
    }

    return --greeting->left ? NGX_AGAIN : NGX_OK;
}
