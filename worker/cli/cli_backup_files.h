
/*
 * The files of a backup: DIR/TIME/, with the append-only directory of Redis in
 * it, or a directory for each server with that in it; "node" is its name, or ""
 * for DIR/TIME/ itself.  Until a backup is complete it is DIR/.TIME.partial/.
 */


#ifndef CLI_BACKUP_FILES_H
#define CLI_BACKUP_FILES_H


#include "cli_backup_source.h"


/* sizes of names: 20261129T085500.123Z, and .20261129T085500.123Z.partial */
#define CLI_BACKUP_NAME     32
#define CLI_BACKUP_PARTIAL  48


typedef struct {
    char      *dir;                /* absolute path of DIR */
    int        dirfd;              /* DIR, locked */
    int        partial;            /* DIR/.TIME.partial, or -1 */
    int        copy;               /* the append-only directory that is being
                                      written, or -1 */
    char       time[CLI_BACKUP_NAME];
    char       name[CLI_BACKUP_PARTIAL];       /* ".TIME.partial" */
    uint64_t   bytes;              /* copied */
    uint64_t   total;              /* to be copied */
    uint64_t   size;               /* of the verified copies */
    int64_t    shown;              /* when progress was shown */
} cli_backup_files_t;


/*
 * Opens and locks DIR, and deletes what backups that were killed left in it.
 * Returns 0, or -1 after an error message; cli_backup_files_close() follows in
 * either case.
 */
int cli_backup_files_open(cli_backup_files_t *files, const char *dir);

/*
 * Copies the append-only files as they are at one moment during the call.
 * Returns 0, or -1 after an error message.
 */
int cli_backup_files_copy(cli_backup_files_t *files, const char *node,
    const cli_backup_source_t *source);

/*
 * Writes a verified copy to disk, from whose end by then all is cut off that
 * followed the last whole command, and counts its bytes.  Returns 0, or -1
 * after an error message.
 */
int cli_backup_files_sync(cli_backup_files_t *files, const char *node,
    const cli_backup_source_t *source);

/* Writes a small file to disk.  Returns 0, or -1 after an error message. */
int cli_backup_files_text(const cli_backup_files_t *files, const char *node,
    const char *name, const buf_t *text);

/*
 * Writes the backup to disk and gives it its name.  Returns 0, or -1 after an
 * error message.
 */
int cli_backup_files_finish(cli_backup_files_t *files);

/* Deletes an unfinished copy, and closes DIR. */
void cli_backup_files_close(cli_backup_files_t *files);


#endif /* CLI_BACKUP_FILES_H */
