
/* leaseloft dead drop: deletes requests that workers gave up and lists them. */

#include <stdlib.h>
#include <string.h>

#include "cli_dead_drop.h"
#include "cli_dead_list.h"
#include "cli_redis.h"


/* lists what it deletes: it cannot be looked up later */
static int
cli_dead_drop_entry(cli_t *cli, unsigned k, const char *id,
    const redisReply *fields, void *data)
{
    char              key[LL_KEY_MAX];
    args_t            args = ARGS_INIT;
    redisReply       *reply;
    cli_dead_list_t  *list = data;

    if (!cli_dead_wanted(cli, id, list->found)) {
        return 0;
    }

    args_lit(&args, "XDEL");
    args_copy(&args, key, ll_keys_dead(key, k));
    args_adds(&args, id);

    reply = cli_redis_try(cli, &args);
    args_free(&args);

    if (reply == NULL) {
        return -1;
    }

    if (reply->integer == 1) {
        (void) cli_dead_list_entry(cli, k, id, fields, list);
    }

    freeReplyObject(reply);

    return 0;
}


int
cli_dead_drop(cli_t *cli)
{
    int              rc;
    cli_dead_list_t  list;

    memset(&list, 0, sizeof(cli_dead_list_t));

    if ((cli->nargs == 0) != (cli->values[0] != NULL)) {
        return cli_usage(cli, "\"dead drop\" takes ids, or --all");
    }

    if (cli_redis_connect(cli) != 0) {
        return CLI_FAILED;
    }

    list.found = calloc((size_t) cli->nargs + 1, 1);

    if (list.found == NULL) {
        return cli_fail("out of memory");
    }

    rc = cli_dead_each(cli, cli_dead_drop_entry, &list);

    if (cli_dead_list_print(cli, &list, "dropped", " dropped") != CLI_OK
        || cli_dead_missing(cli, list.found) != 0)
    {
        rc = -1;
    }

    free(list.found);

    return rc == 0 ? CLI_OK : CLI_FAILED;
}
