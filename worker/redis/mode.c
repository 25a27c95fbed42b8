
/* HELLO: https://redis.io/docs/latest/commands/hello/ */

#include <string.h>

#include "mode.h"


int
mode_is_cluster(conn_t *conn)
{
    int                found;
    size_t             i;
    args_t             args = ARGS_INIT;
    redisReply        *reply;
    const redisReply  *name, *value;

    args_lit(&args, "HELLO");
    reply = conn_call(conn, &args);
    args_free(&args);

    found = 0;

    for (i = 0; reply != NULL && i + 1 < reply->elements; i += 2) {
        name = reply->element[i];
        value = reply->element[i + 1];

        if (name->type == REDIS_REPLY_STRING && strcmp(name->str, "mode") == 0
            && value->type == REDIS_REPLY_STRING)
        {
            found = strcmp(value->str, "cluster") == 0;
        }
    }

    freeReplyObject(reply);

    return found;
}
