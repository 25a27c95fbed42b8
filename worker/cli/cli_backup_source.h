
/* What Redis says about its append-only files. */


#ifndef CLI_BACKUP_SOURCE_H
#define CLI_BACKUP_SOURCE_H


#include <limits.h>

#include "cli_redis.h"


typedef struct {
    char         path[PATH_MAX];   /* of the append-only directory */
    char         directory[NAME_MAX + 1];      /* its name */
    char         file[NAME_MAX + 1];           /* prefix of the files' names */
    char         manifest[NAME_MAX + 1];       /* name */
    char         run_id[64];
    const char  *program;          /* that the server is of: redis-server */
    long long    percentage;       /* auto-aof-rewrite-percentage */
} cli_backup_source_t;


/*
 * Returns 1 if Redis runs on this machine, as far as the connection tells, 0 if
 * not, or -1 after an error message.
 */
int cli_backup_source_is_local(cli_t *cli);

/*
 * Finds the append-only files of Redis, which must run on this machine.
 * Returns 0, or -1 after an error message.
 */
int cli_backup_source_find(cli_t *cli, cli_backup_source_t *source);

/*
 * Reads sections of INFO, to be freed by freeReplyObject().  Returns NULL after
 * an error message.
 */
redisReply *cli_backup_source_info(cli_t *cli, const char *section);

/* Returns the number after a name in the reply to INFO; 0 if there is none. */
long long cli_backup_source_number(const redisReply *info, const char *name);


#endif /* CLI_BACKUP_SOURCE_H */
