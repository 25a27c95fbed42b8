
/*
 * Reads the sealed entries of a property by the iterator that all commands use
 * (entries.h), which verifies each segment as a whole.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_redis.h"
#include "cli_segments.h"
#include "entries.h"


/* the number of sealed entries: 0, or -1 with cli->why */
static int
cli_segments_sealed(cli_t *cli, const char *property, uint64_t *sealed)
{
    char         key[LL_KEY_MAX];
    args_t       args = ARGS_INIT;
    redisReply  *reply;

    args_lit(&args, "HGET");
    args_copy(&args, key, ll_keys_property(key, LL_KEY_META, property,
                                           strlen(property)));
    args_lit(&args, "sealed");

    reply = cli_redis_try(cli, &args);
    args_free(&args);

    if (reply == NULL) {
        return -1;
    }

    *sealed = reply->type == REDIS_REPLY_STRING ? strtoull(reply->str, NULL, 10)
                                                : 0;
    freeReplyObject(reply);

    return 0;
}


int
cli_segments_check(cli_t *cli, const char *property,
    cli_segments_damaged_pt damaged, void *data)
{
    int             rc;
    uint64_t        sealed;
    entries_t       entries;
    thread_entry_t  entry;

    if (cli_segments_sealed(cli, property, &sealed) == -1) {
        return -1;
    }

    if (sealed == 0) {
        return 0;
    }

    entries_init(&entries, cli_redis_property(cli, property), property, 1,
                 sealed, 0);

    while ((rc = entries_next(&entries, &entry)) == 1) {

        if (entries.damaged == 0) {
            continue;
        }

        (void) snprintf(cli->why, sizeof(cli->why),
                        "the segment with entries %llu to %llu is missing or "
                        "damaged, they are shown as lost: restore it from a "
                        "backup", (unsigned long long) entries.damaged,
                        (unsigned long long) entries.damaged
                        + entries.damaged_n - 1);
        entries.damaged = 0;

        if (damaged(data, property) != 0) {
            entries_free(&entries);
            return -1;
        }
    }

    if (rc == -1) {
        (void) snprintf(cli->why, sizeof(cli->why),
                        "entries cannot be read: %s", conn_error(cli->conn));
    }

    entries_free(&entries);

    return rc;
}
