
/*
 * leaseloft revoke: refuses the tokens that a user has got so far, and ends
 * their streams.  nginx is notified through the channel of all processes.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli_redis.h"
#include "cli_revoke.h"
#include "clock.h"
#include "json.h"


#define REVOKE_TTL_MAX  (3660 * 86400L)


/* the number in text, or -1 */
static long
cli_revoke_seconds(const char *text)
{
    long   n;
    char  *end;

    errno = 0;
    n = strtol(text, &end, 10);

    return errno || *end != '\0' || end == text || n < 1 || n > REVOKE_TTL_MAX
           ? -1 : n;
}


redisReply *
cli_revoke_call(cli_t *cli, const char *user, long ttl)
{
    char         key[LL_KEY_MAX];
    args_t       args = ARGS_INIT;
    redisReply  *reply;

    args_lit(&args, "FCALL");
    args_lit(&args, LL_FUNCTION "revoke");
    args_lit(&args, "1");
    args_copy(&args, key, ll_keys_revoked(key));
    args_adds(&args, user);
    args_number(&args, ttl);
    args_copy(&args, key, ll_keys_service_channel(key));

    reply = cli_redis_call(cli, &args);
    args_free(&args);

    return reply;
}


/* { 1 if they were revoked before, now, the end } */
static int
cli_revoke_print(const cli_t *cli, const char *user, long ttl,
    const redisReply *reply)
{
    int        rc;
    char       time[CLOCK_LEN + 1];
    buf_t      buf = BUF_INIT;
    long long  was, at, until;

    if (conn_number(conn_element(reply, 0), &was) == -1
        || conn_number(conn_element(reply, 1), &at) == -1
        || conn_number(conn_element(reply, 2), &until) == -1)
    {
        return cli_fail("Redis sent a malformed reply");
    }

    if (cli->json) {
        buf_lit(&buf, "{\"user\":");
        json_strings(&buf, user);
        buf_lit(&buf, ",\"revoked_at\":");

        if (ttl) {
            json_time(&buf, at * 1000);
        } else {
            buf_lit(&buf, "null");
        }

        buf_lit(&buf, ",\"until\":");

        if (ttl) {
            json_time(&buf, until * 1000);
        } else {
            buf_lit(&buf, "null");
        }

        buf_lit(&buf, "}");

    } else if (ttl) {
        buf_lit(&buf, "tokens of ");
        buf_adds(&buf, user);
        buf_lit(&buf, " issued until now are refused until ");
        clock_format(time, until * 1000);
        buf_adds(&buf, time);

    } else {
        buf_adds(&buf, was ? "tokens of " : "no tokens were revoked of ");
        buf_adds(&buf, user);
        buf_adds(&buf, was ? " are valid again" : "");
    }

    rc = cli_print(&buf);
    buf_free(&buf);

    return rc;
}


int
cli_revoke(cli_t *cli)
{
    int          rc;
    long         ttl;
    redisReply  *reply;
    const char  *user;

    user = cli->args[0];

    if (cli_check_id(cli, "USER", user) != CLI_OK) {
        return CLI_USAGE;
    }

    if (cli->values[0] && cli->values[1]) {
        return cli_usage(cli, "--ttl and --lift exclude each other");
    }

    ttl = cli->values[0] ? cli_revoke_seconds(cli->values[0]) : CLI_REVOKE_TTL;

    if (ttl == -1) {
        return cli_usage(cli, "--ttl must be 1 to %ld seconds", REVOKE_TTL_MAX);
    }

    ttl = cli->values[1] ? 0 : ttl;

    if (cli_redis_connect(cli) != 0) {
        return CLI_FAILED;
    }

    reply = cli_revoke_call(cli, user, ttl);
    if (reply == NULL) {
        return CLI_FAILED;
    }

    rc = cli_revoke_print(cli, user, ttl, reply);
    freeReplyObject(reply);

    return rc;
}
