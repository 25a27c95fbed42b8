
/*
 * Redis's append-only files, as their manifest names them (Redis 7.0,
 * "Multi Part AOF"), opened so that they can be read even after Redis has
 * deleted them.
 */


#ifndef CLI_BACKUP_MANIFEST_H
#define CLI_BACKUP_MANIFEST_H


#include <limits.h>

#include "cli.h"


#define CLI_BACKUP_MANIFEST_FILES  256


typedef struct {
    int        fd;
    uint64_t   size;               /* at the time of the manifest */
    char       name[NAME_MAX + 1];
} cli_backup_file_t;


typedef struct {
    cli_backup_file_t   files[CLI_BACKUP_MANIFEST_FILES];
    unsigned            n;
    buf_t               text;      /* the manifest, without history */
} cli_backup_manifest_t;


/*
 * Opens the manifest in the directory "path" and the files that it names, all
 * of the same moment.  Returns 0, or -1 after an error message;
 * cli_backup_manifest_close() follows in either case.
 */
int cli_backup_manifest_open(cli_backup_manifest_t *manifest, const char *path,
    const char *name);

/* Closes the files. */
void cli_backup_manifest_close(cli_backup_manifest_t *manifest);


#endif /* CLI_BACKUP_MANIFEST_H */
