
/* AUTH: https://redis.io/docs/latest/commands/auth/ */

#include <string.h>

#include "common/keys.h"
#include "login.h"


int
login_auth(wire_t *wire, const server_login_t *login)
{
    int          rc;
    args_t       args = ARGS_INIT;
    redisReply  *reply;

    if (login->password[0] == '\0') {
        return 0;
    }

    args_lit(&args, "AUTH");

    if (login->user[0] != '\0') {
        args_adds(&args, login->user);
    }

    args_adds(&args, login->password);

    reply = wire_call(wire, &args);
    args_free(&args);

    rc = reply ? 0 : -1;

    if (reply && reply->type == REDIS_REPLY_ERROR) {
        wire_close(wire, reply->str);
        rc = -1;
    }

    freeReplyObject(reply);

    return rc;
}


int
login_verify(wire_t *wire, const char *name)
{
    char         key[LL_KEY_MAX];
    args_t       args = ARGS_INIT;
    redisReply  *reply;

    args_lit(&args, "XADD");
    args_copy(&args, key, ll_keys_reply_channel(key, name, strlen(name)));
    args_lit(&args, "NOMKSTREAM");
    args_lit(&args, "*");
    args_lit(&args, "probe");
    args_lit(&args, "");

    reply = wire_call(wire, &args);
    args_free(&args);

    if (reply && reply->type == REDIS_REPLY_ERROR
        && strncmp(reply->str, "READONLY ", 9) == 0)
    {
        wire_close(wire, "it is a read-only replica");
    }

    freeReplyObject(reply);

    return wire_alive(wire) ? 0 : -1;
}
