
/* A Redis of our own that loads a copy, to verify it. */


#ifndef CLI_BACKUP_SERVER_H
#define CLI_BACKUP_SERVER_H


#include <sys/types.h>

#include "cli_backup_source.h"


typedef struct {
    const char  *program;          /* redis-server */
    pid_t        pid;              /* 0 if none runs */
    int          log;              /* descriptor of its log, or -1 */
    char         dir[64];          /* temporary directory; empty if none */
    char         url[128];         /* of its socket */
    cli_t        cli;              /* its connection, for commands */
} cli_backup_server_t;


/*
 * Checks that the program can be run.  Returns 0, or -1 after an error
 * message; cli_backup_server_stop() follows in either case.
 */
int cli_backup_server_init(cli_backup_server_t *server, const char *program);

/*
 * Starts it on the copy in the directory "dir", with the names of the source,
 * and waits until it has loaded all.  It changes nothing of the copy, but cuts
 * off what follows the last whole command.  Returns 0, or -1 after an error
 * message.
 */
int cli_backup_server_start(cli_backup_server_t *server, const cli_t *cli,
    const char *dir, const cli_backup_source_t *source);

/* Kills it, and deletes what it needed. */
void cli_backup_server_stop(cli_backup_server_t *server);


#endif /* CLI_BACKUP_SERVER_H */
