
/* Keeps Redis from rewriting its append-only files during a copy. */


#ifndef CLI_BACKUP_REWRITE_H
#define CLI_BACKUP_REWRITE_H


#include "cli_backup_source.h"


/*
 * Disables automatic rewrites, and waits until none runs or is scheduled.  The
 * former percentage is stored in a file of the directory dirfd before, from
 * which the next backup takes it if this one is killed; node is a name for the
 * server if there are several, else "".  Returns 0, or -1 after
 * an error message; cli_backup_rewrite_restore() follows in either case.
 */
int cli_backup_rewrite_stop(cli_t *cli, const cli_backup_source_t *source,
    int dirfd, const char *node);

/*
 * Restores the percentage, if the file says that it was changed; connects again
 * if the connection is lost.  Returns 0, or -1 after an error message.
 */
int cli_backup_rewrite_restore(cli_t *cli, int dirfd, const char *node);


#endif /* CLI_BACKUP_REWRITE_H */
