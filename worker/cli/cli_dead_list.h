
/* Lists of dead letters, as text or as JSON. */


#ifndef CLI_DEAD_LIST_H
#define CLI_DEAD_LIST_H


#include "cli_dead.h"


typedef struct {
    buf_t     out;
    uint64_t  n;
    char     *found;               /* one byte for each of cli->args */
} cli_dead_list_t;


/* Runs the command "leaseloft dead list" and returns the exit status. */
int cli_dead_list(cli_t *cli);

/* Adds a letter to the cli_dead_list_t in "data"; a cli_dead_each_pt. */
int cli_dead_list_entry(cli_t *cli, unsigned k, const char *id,
    const redisReply *fields, void *data);

/*
 * Prints the list and frees its buffer: as the JSON array "member", or as text
 * with a last line of the number of letters and "words".  Returns the exit
 * status.
 */
int cli_dead_list_print(cli_t *cli, cli_dead_list_t *list, const char *member,
    const char *words);


#endif /* CLI_DEAD_LIST_H */
