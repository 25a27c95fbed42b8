
/*
 * leaseloft backup: copies Redis's append-only files while it runs, and
 * verifies the copy by loading it.
 *
 *     read the heads of all threads    what the copy must have at least
 *     disable rewrites, wait for one   cli_backup_rewrite.c
 *     copy, enable rewrites            cli_backup_files.c
 *     load the copy into a Redis       cli_backup_server.c
 *     compare                          cli_backup_check.c
 *     fsync, rename                    only now it is a backup
 *
 * A backup that fails or is interrupted leaves nothing.  One that is killed
 * leaves a hidden directory and a file with the setting to restore, which the
 * next one finds.
 */

#include <stdio.h>
#include <string.h>

#include "cli_backup.h"
#include "cli_backup_check.h"
#include "cli_backup_files.h"
#include "cli_backup_rewrite.h"
#include "cli_backup_server.h"
#include "cli_signal.h"
#include "clock.h"
#include "json.h"


/* options, in the order of cli_commands.c */

enum {
    BACKUP_REDIS_SERVER = 0
};


typedef struct {
    cli_t                *cli;
    cli_backup_source_t   source;
    cli_backup_files_t    files;
    cli_backup_check_t    check;
    cli_backup_server_t   server;
    int64_t               start;
} cli_backup_t;


/* copies with rewrites disabled: 0, or -1 after an error message */
static int
cli_backup_copy(cli_backup_t *backup)
{
    int     rc;
    cli_t  *cli = backup->cli;

    rc = cli_backup_rewrite_stop(cli, &backup->source, backup->files.dirfd);

    if (rc == 0) {
        rc = cli_backup_files_copy(&backup->files, &backup->source);
    }

    if (cli_backup_rewrite_restore(cli, backup->files.dirfd) != 0) {
        rc = -1;
    }

    return rc == 0 ? cli_backup_check_after(cli, &backup->check) : -1;
}


/* loads the copy and compares it: 0, or -1 after an error message */
static int
cli_backup_verify(cli_backup_t *backup)
{
    char    path[PATH_MAX];
    cli_t  *cli = backup->cli;

    if (snprintf(path, sizeof(path), "%s/%s", backup->files.dir,
                 backup->files.name) >= (int) sizeof(path))
    {
        return cli_fail("the name of the directory is too long"), -1;
    }

    (void) fprintf(stderr, "loading the copy to verify it\n");

    if (cli_backup_server_start(&backup->server, cli, path, &backup->source)
        != 0)
    {
        return -1;
    }

    /* Redis may have closed a connection that was idle for long */

    if (conn_open(cli->conn) != 0) {
        return cli_fail("cannot connect to Redis: %s", conn_error(cli->conn)),
               -1;
    }

    return cli_backup_check_compare(cli, &backup->server.cli, &backup->check);
}


static int
cli_backup_print(const cli_backup_t *backup)
{
    int                        rc;
    char                       seconds[32];
    buf_t                      buf = BUF_INIT, path = BUF_INIT;
    const cli_backup_check_t  *check = &backup->check;

    (void) snprintf(seconds, sizeof(seconds), "%.1f",
                    (double) (clock_monotonic() - backup->start) / 1000);

    buf_adds(&path, backup->files.dir);
    buf_lit(&path, "/");
    buf_adds(&path, backup->files.time);

    if (buf_failed(&path)) {
        buf.failed = 1;

    } else if (backup->cli->json) {
        buf_lit(&buf, "{\"path\":");
        json_strings(&buf, path.data);
        buf_lit(&buf, ",\"bytes\":");
        buf_number(&buf, (int64_t) backup->files.bytes);
        buf_lit(&buf, ",\"keys\":");
        buf_number(&buf, check->keys);
        buf_lit(&buf, ",\"properties\":");
        buf_number(&buf, (int64_t) check->copied.n);
        buf_lit(&buf, ",\"messages\":");
        buf_number(&buf, check->messages);
        buf_lit(&buf, ",\"seconds\":");
        buf_adds(&buf, seconds);
        buf_lit(&buf, "}");

    } else {
        buf_adds(&buf, path.data);
        buf_lit(&buf, ": verified, ");
        buf_number(&buf, (int64_t) backup->files.bytes);
        buf_lit(&buf, " bytes, ");
        buf_number(&buf, check->keys);
        buf_lit(&buf, " keys, ");
        buf_number(&buf, (int64_t) check->copied.n);
        buf_lit(&buf, " properties, ");
        buf_number(&buf, check->messages);
        buf_lit(&buf, " messages, ");
        buf_adds(&buf, seconds);
        buf_lit(&buf, " seconds");
    }

    rc = cli_print(&buf);
    buf_free(&buf);
    buf_free(&path);

    return rc;
}


/* all steps: 0, or -1 after an error message */
static int
cli_backup_run(cli_backup_t *backup)
{
    cli_t       *cli = backup->cli;
    const char  *program;

    if (cli_backup_files_open(&backup->files, cli->args[0]) != 0
        || cli_redis_connect(cli) != 0)
    {
        return -1;
    }

    /* of a backup that was killed; the source is read after that */

    if (cli_backup_rewrite_restore(cli, backup->files.dirfd) != 0
        || cli_backup_source_find(cli, &backup->source) != 0)
    {
        return -1;
    }

    program = cli->values[BACKUP_REDIS_SERVER];

    if (cli_backup_server_init(&backup->server,
                               program ? program : backup->source.program)
        != 0
        || cli_backup_check_before(cli, &backup->check) != 0
        || cli_backup_copy(backup) != 0
        || cli_backup_verify(backup) != 0)
    {
        return -1;
    }

    cli_backup_server_stop(&backup->server);
    memset(&backup->server, 0, sizeof(cli_backup_server_t));

    return cli_backup_files_finish(&backup->files);
}


int
cli_backup(cli_t *cli)
{
    int           rc;
    cli_backup_t  backup;

    memset(&backup, 0, sizeof(cli_backup_t));

    backup.cli = cli;
    backup.start = clock_monotonic();
    backup.files.dirfd = -1;
    backup.files.partial = -1;
    backup.files.copy = -1;

    cli_signal_catch();

    rc = cli_backup_run(&backup) == 0 ? cli_backup_print(&backup) : CLI_FAILED;

    cli_backup_server_stop(&backup.server);
    cli_backup_files_close(&backup.files);
    cli_backup_check_free(&backup.check);

    return rc;
}
