
/*
 * The requests that workers gave up: reads all of them, and matches their ids
 * with the arguments.
 *
 * Message texts are never printed: an operator need not read what users write.
 */

#include <stdio.h>
#include <string.h>

#include "cli_dead.h"
#include "cli_redis.h"


#define CLI_DEAD_PAGE  100


const char *
cli_dead_field(const redisReply *fields, const char *name)
{
    size_t  i;

    for (i = 0; i + 1 < fields->elements; i += 2) {
        if (strcmp(cli_redis_text(fields, i), name) == 0) {
            return cli_redis_text(fields, i + 1);
        }
    }

    return "";
}


static redisReply *
cli_dead_range(cli_t *cli, const char *command, const char *key,
    const char *from, const char *to, int count)
{
    args_t       args = ARGS_INIT;
    redisReply  *reply;

    args_adds(&args, command);
    args_adds(&args, key);
    args_adds(&args, from);
    args_adds(&args, to);
    args_lit(&args, "COUNT");
    args_number(&args, count);

    reply = cli_redis_try(cli, &args);
    args_free(&args);

    return reply;
}


/*
 * Reads a page that begins at "from", which is set to the next one.  Returns
 * the number of entries, or -1 with cli->why.
 */
static int
cli_dead_page(cli_t *cli, unsigned k, const char *key, char *from, size_t size,
    const char *last, cli_dead_each_pt each, void *data)
{
    int                n;
    size_t             i;
    redisReply        *reply;
    const char        *id;
    const redisReply  *entry, *fields;

    reply = cli_dead_range(cli, "XRANGE", key, from, last, CLI_DEAD_PAGE);

    if (reply == NULL) {
        return -1;
    }

    n = (int) reply->elements;

    for (i = 0; i < reply->elements; i++) {
        entry = conn_element(reply, i);
        id = cli_redis_text(entry, 0);
        fields = conn_element(entry, 1);

        if (fields && each(cli, k, id, fields, data) != 0) {
            n = -1;
            break;
        }

        (void) snprintf(from, size, "(%s", id);
    }

    freeReplyObject(reply);

    return n;
}


/* reads the dead letters of queue k; 0, or -1 with cli->why */
static int
cli_dead_queue(cli_t *cli, unsigned k, cli_dead_each_pt each, void *data)
{
    int          n;
    char         key[LL_KEY_MAX], from[64] = "-", last[64];
    redisReply  *reply;

    (void) ll_keys_dead(key, k);

    reply = cli_dead_range(cli, "XREVRANGE", key, "+", "-", 1);

    if (reply == NULL) {
        return -1;
    }

    (void) snprintf(last, sizeof(last), "%s",
                    cli_redis_text(conn_element(reply, 0), 0));
    freeReplyObject(reply);

    if (last[0] == '\0') {
        return 0;
    }

    do {
        n = cli_dead_page(cli, k, key, from, sizeof(from), last, each, data);
    } while (n == CLI_DEAD_PAGE);

    return n == -1 ? -1 : 0;
}


int
cli_dead_each(cli_t *cli, cli_dead_each_pt each, void *data)
{
    int       rc;
    unsigned  k;

    rc = 0;

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        if (cli_dead_queue(cli, k, each, data) == 0) {
            continue;
        }

        rc = -1;

        if (!cli_redis_can_continue(cli)) {
            (void) cli_fail("%s", cli->why);
            break;
        }

        (void) cli_fail("queue %u: %s", k, cli->why);
    }

    return rc;
}


int
cli_dead_wanted(const cli_t *cli, const char *id, char *found)
{
    int  i, wanted;

    wanted = cli->nargs == 0;

    for (i = 0; i < cli->nargs; i++) {
        if (strcmp(cli->args[i], id) == 0) {
            found[i] = 1;
            wanted = 1;
        }
    }

    return wanted;
}


int
cli_dead_missing(const cli_t *cli, const char *found)
{
    int  i, rc;

    rc = 0;

    for (i = 0; i < cli->nargs; i++) {
        if (!found[i]) {
            (void) cli_fail("no request \"%s\" was given up", cli->args[i]);
            rc = -1;
        }
    }

    return rc;
}
