
/* Compares a copy with the Redis that it was made of. */


#ifndef CLI_BACKUP_CHECK_H
#define CLI_BACKUP_CHECK_H


#include "cli_backup_list.h"


typedef struct {
    long long  keys;
    long long  changes;            /* since the last snapshot */
    long long  saved;              /* time of that */
    long long  expired;            /* since Redis started */
} cli_backup_count_t;


typedef struct {
    cli_backup_list_t   before;    /* when the backup began */
    cli_backup_list_t   copied;
    cli_backup_count_t  first;     /* when the backup began */
    cli_backup_count_t  last;      /* after the copy */
    int                 home;      /* of a cluster: the queue that the layout
                                      is beside, -1 for none */
    long long           keys;      /* in the copy */
    long long           messages;
} cli_backup_check_t;


/*
 * Reads what the copy must have at least.  Returns 0, or -1 after an error
 * message; cli_backup_check_free() follows in either case.
 */
int cli_backup_check_before(cli_t *cli, cli_backup_check_t *check);

/* Reads what has changed during the copy.  Returns 0 or -1, likewise. */
int cli_backup_check_after(cli_t *cli, cli_backup_check_t *check);

/*
 * Compares the Redis behind "copy" with that behind "cli", whose threads may
 * have grown meanwhile: number of keys, layout, the heads of all threads, and
 * entries and chain of a sample of threads.  Returns 0, or -1 after an error
 * message.
 */
int cli_backup_check_compare(cli_t *cli, cli_t *copy,
    cli_backup_check_t *check);

/* Frees the lists. */
void cli_backup_check_free(cli_backup_check_t *check);


#endif /* CLI_BACKUP_CHECK_H */
