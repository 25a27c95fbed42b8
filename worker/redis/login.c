
/* AUTH: https://redis.io/docs/latest/commands/auth/ */

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
