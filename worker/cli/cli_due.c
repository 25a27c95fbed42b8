
/*
 * The due time is written after the property, so one that is read before the
 * property is no newer, unless the property has lost a change.  A worker may
 * write it meanwhile: what was replaced is looked at once more.
 */

#include <string.h>

#include "cli_due.h"
#include "fcall.h"
#include "state.h"


typedef struct {
    cli_t        *cli;
    args_t       *args;
    const char   *property;
    char          due_key[LL_KEY_MAX];
    char          vers_key[LL_KEY_MAX];
    size_t        due_len;
    size_t        vers_len;

    long long     seen;            /* in the list; -1: it is missing */
    long long     vers;            /* its version there */
    long long     rev;             /* of the property; 0 if there is none */
    int64_t       due;             /* as it has to be */
} cli_due_t;


/* a number in the list: 0, or -1 with cli->why; -1 if it does not exist */
static int
cli_due_number(cli_due_t *due, const char *command, const char *key,
    size_t len, long long *n)
{
    redisReply  *reply;

    args_adds(due->args, command);
    args_copy(due->args, key, len);
    args_adds(due->args, due->property);

    reply = cli_redis_try(due->cli, due->args);

    if (reply == NULL) {
        return -1;
    }

    if (conn_number(reply, n) != 0) {
        *n = -1;
    }

    freeReplyObject(reply);

    return 0;
}


/* what the leases say: 1, 0 if there are none, or -1 with cli->why */
static int
cli_due_property(cli_due_t *due)
{
    int                rc;
    char               key[LL_KEY_MAX];
    state_t            state;
    redisReply        *reply;
    const redisReply  *text;

    args_lit(due->args, "HMGET");
    args_copy(due->args, key,
              ll_keys_property(key, LL_KEY_META, due->property,
                               strlen(due->property)));
    args_lit(due->args, "rev");
    args_lit(due->args, "state");

    reply = cli_redis_try(due->cli, due->args);

    if (reply == NULL) {
        return -1;
    }

    memset(&state, 0, sizeof(state_t));
    text = conn_element(reply, 1);

    rc = conn_number(conn_element(reply, 0), &due->rev) == 0
         && text->type == REDIS_REPLY_STRING
         && state_decode(&state, text->str, text->len) == 0;

    due->due = rc ? state_due(&state) : CLOCK_NEVER;

    state_free(&state);
    freeReplyObject(reply);

    return rc;
}


/* 1 if it was set, 0 if a newer one was, or -1 with cli->why */
static int
cli_due_set(cli_due_t *due)
{
    int          rc;
    args_t      *args = due->args;
    redisReply  *reply;

    fcall_begin(args, "ll1_due", 2);
    args_copy(args, due->due_key, due->due_len);
    args_copy(args, due->vers_key, due->vers_len);
    args_adds(args, due->property);
    args_number(args, due->rev);

    if (due->due == CLOCK_NEVER) {
        args_lit(args, "");
    } else {
        args_number(args, due->due);
    }

    if (due->vers > due->rev) {
        args_number(args, due->seen);
    }

    reply = cli_redis_try(due->cli, args);

    if (reply == NULL) {
        return -1;
    }

    rc = reply->integer == 1;
    freeReplyObject(reply);

    return rc;
}


/*
 * 1 if the list has the version of the property.  Its time may be a later one:
 * that of the next attempt after a failure.
 */
static int
cli_due_is_right(const cli_due_t *due)
{
    return due->seen == -1 ? due->due == CLOCK_NEVER
                           : due->due != CLOCK_NEVER && due->vers == due->rev;
}


int
cli_due_repair(cli_t *cli, args_t *args, const char *property)
{
    int        i, rc, set;
    unsigned   k;
    cli_due_t  due;

    memset(&due, 0, sizeof(cli_due_t));

    due.cli = cli;
    due.args = args;
    due.property = property;

    /* without a cluster there is one list, and k is ignored */

    k = ll_slots_due(property, strlen(property));
    due.due_len = ll_keys_due(due.due_key, k);
    due.vers_len = ll_keys_due_vers(due.vers_key, k);
    set = 0;

    for (i = 0; i < 2; i++) {

        if (cli_due_number(&due, "ZSCORE", due.due_key, due.due_len, &due.seen)
            != 0
            || cli_due_number(&due, "HGET", due.vers_key, due.vers_len,
                              &due.vers) != 0)
        {
            return -1;
        }

        rc = cli_due_property(&due);

        if (rc != 1 || cli_due_is_right(&due)) {
            return rc == -1 ? -1 : set;
        }

        rc = cli_due_set(&due);

        if (rc == -1) {
            return -1;
        }

        set |= rc;
    }

    return set;
}
