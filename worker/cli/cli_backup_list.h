
/* All properties of a Redis, with the length of their threads. */


#ifndef CLI_BACKUP_LIST_H
#define CLI_BACKUP_LIST_H


#include "cli_redis.h"
#include "common/id.h"


typedef struct {
    char       id[LL_ID_MAX + 1];
    long long  seq;                /* of the head */
    long long  messages;
} cli_backup_item_t;


typedef struct {
    cli_backup_item_t  *items;     /* by id */
    size_t              n;
    size_t              size;
} cli_backup_list_t;


/*
 * Reads the list from the Redis behind cli->conn.  Returns 0, or -1 after an
 * error message; cli_backup_list_free() follows in either case.
 */
int cli_backup_list_read(cli_t *cli, cli_backup_list_t *list);

/* Frees the list. */
void cli_backup_list_free(cli_backup_list_t *list);


#endif /* CLI_BACKUP_LIST_H */
