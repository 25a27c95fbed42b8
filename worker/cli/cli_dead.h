
/* The requests that workers gave up ("dead letters"). */


#ifndef CLI_DEAD_H
#define CLI_DEAD_H


#include "cli.h"


/*
 * Called with the queue, the id and the fields of a dead letter; other than 0
 * stops, with the reason in cli->why.
 */
typedef int (*cli_dead_each_pt)(cli_t *cli, unsigned k, const char *id,
    const redisReply *fields, void *data);


/*
 * Calls "each" for every dead letter of every queue; letters added meanwhile
 * are left out.  Returns 0, or -1 after an error message for each queue that
 * could not be read.
 */
int cli_dead_each(cli_t *cli, cli_dead_each_pt each, void *data);

/* Returns the value of a field, or "". */
const char *cli_dead_field(const redisReply *fields, const char *name);

/*
 * Returns 1 if the arguments name the letter, or if they name none, and marks
 * the argument in "found", which has a byte for each.
 */
int cli_dead_wanted(const cli_t *cli, const char *id, char *found);

/*
 * Prints an error for each argument that is not marked in "found".  Returns
 * -1 if there was any, else 0.
 */
int cli_dead_missing(const cli_t *cli, const char *found);


#endif /* CLI_DEAD_H */
