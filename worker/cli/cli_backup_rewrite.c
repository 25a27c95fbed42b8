
/*
 * Automatic rewrites of the append-only files are disabled during a copy, and
 * enabled again afterwards.
 *
 * A file says which percentage is to be restored, and in which run of Redis:
 * "RUN_ID PERCENTAGE".  It is on disk before Redis is told, and deleted once
 * the percentage is restored.  A Redis that was restarted meanwhile has
 * forgotten the change, and has another run_id.  Each server of a cluster has a
 * file.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_backup_rewrite.h"
#include "cli_signal.h"
#include "clock.h"


#define REWRITE_FILE     ".rewrites"
#define REWRITE_POLL_MS  100

/* for how often, once a second, a lost Redis is connected to again */
#define REWRITE_ATTEMPTS  10


typedef struct {
    int   dirfd;
    char  name[NAME_MAX + 1];
} rewrite_file_t;


static void
cli_backup_rewrite_file(rewrite_file_t *file, int dirfd, const char *node)
{
    file->dirfd = dirfd;
    (void) snprintf(file->name, sizeof(file->name), REWRITE_FILE "%s%s",
                    node[0] ? "-" : "", node);
}


/* reads the file: 1, 0 if there is none, or -1 after an error message */
static int
cli_backup_rewrite_read(const rewrite_file_t *file, char run_id[64],
    long long *percentage)
{
    int      fd;
    char     text[128];
    ssize_t  n;

    fd = openat(file->dirfd, file->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd == -1) {
        return errno == ENOENT ? 0 : (cli_fail("cannot open \"%s\": %s",
                                               file->name, strerror(errno)),
                                      -1);
    }

    n = read(fd, text, sizeof(text) - 1);
    (void) close(fd);

    text[n > 0 ? n : 0] = '\0';

    /* a file that was not written completely: Redis was not told yet */

    return sscanf(text, "%63s %lld\n", run_id, percentage) == 2
           && strchr(text, '\n') != NULL;
}


/* 0, or -1 after an error message */
static int
cli_backup_rewrite_write(const rewrite_file_t *file, const char *run_id,
    long long percentage)
{
    int   fd, n, rc;
    char  text[128];

    n = snprintf(text, sizeof(text), "%s %lld\n", run_id, percentage);
    fd = openat(file->dirfd, file->name,
                O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

    rc = fd != -1 && write(fd, text, (size_t) n) == n && fsync(fd) == 0
         && fsync(file->dirfd) == 0 ? 0 : -1;

    if (rc == -1) {
        (void) cli_fail("cannot write \"%s\": %s", file->name,
                        strerror(errno));
    }

    if (fd != -1) {
        (void) close(fd);
    }

    return rc;
}


static int
cli_backup_rewrite_set(cli_t *cli, long long percentage)
{
    args_t       args = ARGS_INIT;
    redisReply  *reply;

    args_lit(&args, "CONFIG");
    args_lit(&args, "SET");
    args_lit(&args, "auto-aof-rewrite-percentage");
    args_number(&args, percentage);

    reply = cli_redis_try(cli, &args);
    args_free(&args);
    freeReplyObject(reply);

    return reply ? 0 : -1;
}


/* 1 while a rewrite runs or is scheduled, 0, or -1 after an error message */
static int
cli_backup_rewrite_runs(cli_t *cli)
{
    int          runs;
    redisReply  *info;

    info = cli_backup_source_info(cli, "persistence");

    if (info == NULL) {
        return -1;
    }

    runs = cli_backup_source_number(info, "aof_rewrite_in_progress")
           || cli_backup_source_number(info, "aof_rewrite_scheduled");
    freeReplyObject(info);

    return runs;
}


int
cli_backup_rewrite_stop(cli_t *cli, const cli_backup_source_t *source,
    int dirfd, const char *node)
{
    int             runs, said;
    rewrite_file_t  file;

    cli_backup_rewrite_file(&file, dirfd, node);

    if (source->percentage == 0) {
        (void) fprintf(stderr, "automatic rewrites are disabled in Redis "
                               "(auto-aof-rewrite-percentage 0)\n");

    } else {

        if (cli_backup_rewrite_write(&file, source->run_id, source->percentage)
            != 0)
        {
            return -1;
        }

        if (cli_backup_rewrite_set(cli, 0) != 0) {

            if (cli->result != CONN_LOST) {
                (void) unlinkat(dirfd, file.name, 0);
            }

            return cli_fail("cannot disable rewrites: %s", cli->why), -1;
        }
    }

    for (said = 0; (runs = cli_backup_rewrite_runs(cli)) == 1; said = 1) {

        if (cli_signal_caught()) {
            return cli_fail("interrupted"), -1;
        }

        if (!said) {
            (void) fprintf(stderr, "waiting for a rewrite of the append-only "
                                   "files to end\n");
        }

        clock_sleep(REWRITE_POLL_MS);
    }

    return runs;
}


/* sets it in that run of Redis: 0, or -1 with cli->why */
static int
cli_backup_rewrite_again(cli_t *cli, const char *run_id, long long percentage)
{
    char         present[64];
    args_t       args = ARGS_INIT;
    redisReply  *info;

    args_lit(&args, "INFO");
    args_lit(&args, "server");

    info = cli_redis_try(cli, &args);
    args_free(&args);

    if (info == NULL) {
        return -1;
    }

    cli_redis_value(info->str ? info->str : "", '\n', "run_id", present,
                    sizeof(present));
    freeReplyObject(info);

    return strcmp(present, run_id) == 0
           ? cli_backup_rewrite_set(cli, percentage) : 0;
}


/* the same, with further attempts if Redis is lost or busy */
static int
cli_backup_rewrite_retry(cli_t *cli, const char *run_id, long long percentage)
{
    int  i, rc;

    rc = cli_backup_rewrite_again(cli, run_id, percentage);

    for (i = 0; rc == -1 && i < REWRITE_ATTEMPTS
                && cli->result != CONN_FAILED; i++)
    {
        clock_sleep(i ? 1000 : 0);

        if (conn_open(cli->conn) == 0) {
            rc = cli_backup_rewrite_again(cli, run_id, percentage);

        } else {
            (void) snprintf(cli->why, sizeof(cli->why), "%.200s",
                            conn_error(cli->conn));
        }
    }

    return rc;
}


int
cli_backup_rewrite_restore(cli_t *cli, int dirfd, const char *node)
{
    int             rc;
    char            run_id[64];
    long long       percentage;
    rewrite_file_t  file;

    cli_backup_rewrite_file(&file, dirfd, node);

    rc = cli_backup_rewrite_read(&file, run_id, &percentage);

    if (rc == -1) {
        return -1;
    }

    if (rc == 1 && cli_backup_rewrite_retry(cli, run_id, percentage) != 0) {
        return cli_fail("cannot enable rewrites again: %s; run \"CONFIG SET "
                        "auto-aof-rewrite-percentage %lld\", or another "
                        "backup to this directory", cli->why, percentage), -1;
    }

    if (unlinkat(dirfd, file.name, 0) == -1 && errno != ENOENT) {
        return cli_fail("cannot delete \"%s\": %s", file.name,
                        strerror(errno)), -1;
    }

    return 0;
}
