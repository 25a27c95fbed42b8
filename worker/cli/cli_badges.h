
/* The inboxes of the members of a property. */


#ifndef CLI_BADGES_H
#define CLI_BADGES_H


#include "cli_redis.h"


/*
 * ll1_badges: { ver, user, unread, at, shown, ... } of a user, of all members
 * if it is NULL, to be freed by freeReplyObject().  Returns NULL with cli->why.
 */
redisReply *cli_badges(cli_t *cli, args_t *args, const char *property,
    const char *user);

/*
 * Stores the thread in the inbox of the member whose elements of that reply
 * begin with i; the id of the user must be valid.  An inbox that has a later
 * version is not changed, unless that is "lost", a version that the property
 * has lost; -1: none.  Returns 1 if the inbox has changed, 0 if it has not, or
 * -1 with cli->why.
 */
int cli_badges_store(cli_t *cli, args_t *args, const char *property,
    const redisReply *badges, size_t i, long long lost);

/* The same for all members of a property.  Returns 0, or -1 with cli->why. */
int cli_badges_store_all(cli_t *cli, args_t *args, const char *property);


#endif /* CLI_BADGES_H */
