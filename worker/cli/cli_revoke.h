
/* leaseloft revoke */


#ifndef CLI_REVOKE_H
#define CLI_REVOKE_H


#include "cli.h"


/* seconds; tokens are rarely valid for longer */
#define CLI_REVOKE_TTL  (30 * 86400)


/* Runs the command and returns the exit status. */
int cli_revoke(cli_t *cli);

/*
 * ll1_revoke: revokes the tokens of a user for ttl seconds.  The reply is freed
 * by freeReplyObject(); NULL after an error message.
 */
redisReply *cli_revoke_call(cli_t *cli, const char *user, long ttl);


#endif /* CLI_REVOKE_H */
