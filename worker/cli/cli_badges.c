
/* Writes the inboxes of the members of a property, as the property is now. */

#include <stdio.h>
#include <string.h>

#include "cli_badges.h"
#include "fcall.h"


redisReply *
cli_badges(cli_t *cli, args_t *args, const char *property, const char *user)
{
    fcall_property(args, "ll1_badges", property);

    if (user != NULL) {
        args_adds(args, user);
    }

    return cli_redis_try(cli, args);
}


int
cli_badges_store(cli_t *cli, args_t *args, const char *property,
    const redisReply *badges, size_t i, long long lost)
{
    int          changed;
    size_t       j;
    char         channel[LL_KEY_MAX], force[32];
    redisReply  *reply;
    const char  *user;

    user = cli_redis_text(badges, i);

    fcall_user(args, "ll1_badge", user);
    args_copy(args, channel, ll_keys_user_channel(channel, user,
                                                  strlen(user)));
    if (lost == -1) {
        args_lit(args, "1");

    } else {
        args_copy(args, force, (size_t) snprintf(force, sizeof(force), "=%lld",
                                                 lost));
    }

    args_adds(args, property);
    args_number(args, badges->element[0]->integer);

    for (j = 1; j < 4; j++) {
        if (badges->element[i + j]->type == REDIS_REPLY_INTEGER) {
            args_number(args, badges->element[i + j]->integer);
        } else {
            args_adds(args, cli_redis_text(badges, i + j));
        }
    }

    reply = cli_redis_try(cli, args);

    if (reply == NULL) {
        return -1;
    }

    changed = reply->integer == 1;
    freeReplyObject(reply);

    return changed;
}


int
cli_badges_store_all(cli_t *cli, args_t *args, const char *property)
{
    int          rc;
    size_t       i;
    redisReply  *badges;
    const char  *user;

    badges = cli_badges(cli, args, property, NULL);
    rc = badges ? 0 : -1;

    for (i = 1; rc == 0 && i + 3 < badges->elements; i += 4) {
        user = cli_redis_text(badges, i);

        if (ll_id_valid(user, strlen(user))
            && cli_badges_store(cli, args, property, badges, i, -1) == -1)
        {
            rc = -1;
        }
    }

    freeReplyObject(badges);

    return rc;
}
