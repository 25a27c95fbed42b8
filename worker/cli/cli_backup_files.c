
/*
 * Writes a backup's files.
 *
 * DIR is locked by flock(), so that there is one backup at a time, and what
 * others have left unfinished can be deleted.  All names are looked up in open
 * directories.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli_backup_files.h"
#include "cli_backup_manifest.h"
#include "cli_signal.h"
#include "clock.h"


#define FILES_BLOCK    262144

/* written between two syncs, which Redis's own must not wait for too long */
#define FILES_SYNC     (16 * 1024 * 1024)

#define FILES_SHOW_MS  5000
#define FILES_PARTIAL  ".partial"

/* directories in a backup: of a server, and in it that of its files */
#define FILES_DEPTH    2


/*
 * Deletes a directory in dirfd with its files, and those of directories in it:
 * 0, or -1 with errno.
 */
static int
cli_backup_files_delete(int dirfd, const char *name, int depth)
{
    int             fd;
    DIR            *dir;
    struct dirent  *entry;

    fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    dir = fd == -1 ? NULL : fdopendir(fd);

    if (dir == NULL) {
        return -1;
    }

    while ((entry = readdir(dir)) != NULL) {

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
        {
            continue;
        }

        if (unlinkat(fd, entry->d_name, 0) == -1 && depth > 0) {
            (void) cli_backup_files_delete(fd, entry->d_name, depth - 1);
        }
    }

    (void) closedir(dir);

    return unlinkat(dirfd, name, AT_REMOVEDIR);
}


/* deletes what killed backups left: 0, or -1 after an error message */
static int
cli_backup_files_clean(const cli_backup_files_t *files)
{
    int             fd, rc;
    DIR            *dir;
    size_t          len;
    struct dirent  *entry;

    fd = openat(files->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    dir = fd == -1 ? NULL : fdopendir(fd);

    if (dir == NULL) {
        return cli_fail("cannot read \"%s\": %s", files->dir, strerror(errno)),
               -1;
    }

    rc = 0;

    while (rc == 0 && (entry = readdir(dir)) != NULL) {
        len = strlen(entry->d_name);

        if (len + 1 != sizeof(".20261129T085500.123Z" FILES_PARTIAL)
            || strncmp(entry->d_name, ".2", 2) != 0
            || strcmp(entry->d_name + len - strlen(FILES_PARTIAL),
                      FILES_PARTIAL) != 0)
        {
            continue;
        }

        rc = cli_backup_files_delete(files->dirfd, entry->d_name, FILES_DEPTH);

        if (rc == 0) {
            (void) fprintf(stderr, "deleted \"%s\", which a backup that was "
                                   "killed left\n", entry->d_name);

        } else {
            (void) cli_fail("cannot delete \"%s/%s\": %s", files->dir,
                            entry->d_name, strerror(errno));
        }
    }

    (void) closedir(dir);

    return rc;
}


/* the names: 20261129T085500.123Z, without colons, which mean hosts to rsync */
static void
cli_backup_files_name(cli_backup_files_t *files)
{
    char         now[CLOCK_LEN + 1];
    char        *q = files->time;
    const char  *p;

    clock_format(now, clock_now());

    for (p = now; *p; p++) {
        if (*p != '-' && *p != ':') {
            *q++ = *p;
        }
    }

    *q = '\0';

    (void) snprintf(files->name, sizeof(files->name), ".%s" FILES_PARTIAL,
                    files->time);
}


int
cli_backup_files_open(cli_backup_files_t *files, const char *dir)
{
    memset(files, 0, sizeof(cli_backup_files_t));

    files->partial = -1;
    files->copy = -1;
    files->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    files->dir = files->dirfd == -1 ? NULL : realpath(dir, NULL);

    if (files->dir == NULL) {
        return cli_fail("cannot open \"%s\": %s", dir, strerror(errno)), -1;
    }

    if (flock(files->dirfd, LOCK_EX | LOCK_NB) == -1) {
        return cli_fail(errno == EWOULDBLOCK
                        ? "another backup to \"%s\" is running"
                        : "cannot lock \"%s\"", dir), -1;
    }

    if (cli_backup_files_clean(files) != 0) {
        return -1;
    }

    cli_backup_files_name(files);

    if (mkdirat(files->dirfd, files->name, 0700) == -1) {
        files->name[0] = '\0';
        return cli_fail("cannot write to \"%s\": %s", dir, strerror(errno)),
               -1;
    }

    files->partial = openat(files->dirfd, files->name,
                            O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (files->partial == -1) {
        return cli_fail("cannot open \"%s/%s\": %s", dir, files->name,
                        strerror(errno)), -1;
    }

    return 0;
}


static void
cli_backup_files_show(cli_backup_files_t *files)
{
    int64_t  now;

    now = clock_monotonic();

    if (now - files->shown >= FILES_SHOW_MS) {
        files->shown = now;
        (void) fprintf(stderr, "copied %llu of %llu MB\n",
                       (unsigned long long) files->bytes / 1000000,
                       (unsigned long long) files->total / 1000000);
    }
}


static int
cli_backup_files_failed(const char *name)
{
    return cli_fail("cannot write \"%s\": %s", name, strerror(errno)), -1;
}


/* writes all of it: 0, or -1 with errno */
static int
cli_backup_files_write(int fd, const char *data, size_t len)
{
    ssize_t  n;

    while (len) {
        n = write(fd, data, len);

        if (n == -1 && errno != EINTR) {
            return -1;
        }

        data += n > 0 ? n : 0;
        len -= n > 0 ? (size_t) n : 0;
    }

    return 0;
}


/* copies a file up to its size: 0, or -1 after an error message */
static int
cli_backup_files_data(cli_backup_files_t *files, const cli_backup_file_t *file,
    int fd)
{
    size_t    want;
    ssize_t   n;
    uint64_t  left, unsynced;

    static char  block[FILES_BLOCK];

    unsynced = 0;

    for (left = file->size; left; left -= (uint64_t) n) {

        if (cli_signal_caught()) {
            return cli_fail("interrupted"), -1;
        }

        want = left < FILES_BLOCK ? (size_t) left : FILES_BLOCK;
        n = read(file->fd, block, want);

        if (n <= 0) {
            return cli_fail("cannot read \"%s\": %s", file->name,
                            n ? strerror(errno) : "it was truncated"), -1;
        }

        if (cli_backup_files_write(fd, block, (size_t) n) == -1) {
            return cli_backup_files_failed(file->name);
        }

        files->bytes += (uint64_t) n;
        unsynced += (uint64_t) n;

        if (unsynced >= FILES_SYNC) {
            unsynced = 0;

            if (fdatasync(fd) == -1) {
                return cli_backup_files_failed(file->name);
            }
        }

        cli_backup_files_show(files);
    }

    return 0;
}


/* a new file in a directory, or -1 after an error message */
static int
cli_backup_files_create(int dirfd, const char *name)
{
    int  fd;

    fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    return fd == -1 ? cli_backup_files_failed(name) : fd;
}


/* writes a small file to disk: 0, or -1 after an error message */
static int
cli_backup_files_small(int dirfd, const char *name, const buf_t *text)
{
    int  fd, rc;

    fd = cli_backup_files_create(dirfd, name);

    if (fd == -1) {
        return -1;
    }

    rc = cli_backup_files_write(fd, text->data, text->len) == 0
         && fsync(fd) == 0 ? 0 : cli_backup_files_failed(name);
    (void) close(fd);

    return rc;
}


/* 0, or -1 after an error message */
static int
cli_backup_files_all(cli_backup_files_t *files,
    const cli_backup_manifest_t *manifest, const char *name)
{
    int       fd, rc;
    unsigned  i;

    for (i = 0; i < manifest->n; i++) {
        files->total += manifest->files[i].size;
    }

    rc = 0;

    for (i = 0; rc == 0 && i < manifest->n; i++) {
        fd = cli_backup_files_create(files->copy, manifest->files[i].name);

        if (fd == -1) {
            return -1;
        }

        rc = cli_backup_files_data(files, &manifest->files[i], fd);
        (void) close(fd);
    }

    return rc == 0 ? cli_backup_files_small(files->copy, name, &manifest->text)
                   : -1;
}


/* the directory of a server in a backup, or -1 after an error message */
static int
cli_backup_files_server(const cli_backup_files_t *files, const char *node)
{
    int  fd;

    fd = openat(files->partial, node[0] ? node : ".",
                O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd == -1 ? cli_backup_files_failed(node[0] ? node : files->name)
                    : fd;
}


/* makes the append-only directory and opens it: 0, or -1 likewise */
static int
cli_backup_files_directory(cli_backup_files_t *files, const char *node,
    const char *name)
{
    int  fd;

    if (node[0] && mkdirat(files->partial, node, 0700) == -1) {
        return cli_backup_files_failed(node);
    }

    fd = cli_backup_files_server(files, node);

    if (fd == -1) {
        return -1;
    }

    if (mkdirat(fd, name, 0700) == 0) {
        files->copy = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }

    (void) close(fd);

    return files->copy == -1 ? cli_backup_files_failed(name) : 0;
}


int
cli_backup_files_copy(cli_backup_files_t *files, const char *node,
    const cli_backup_source_t *source)
{
    int                     rc;
    cli_backup_manifest_t  *manifest;

    if (cli_backup_files_directory(files, node, source->directory) != 0) {
        return -1;
    }

    manifest = calloc(1, sizeof(cli_backup_manifest_t));

    if (manifest == NULL) {
        return cli_fail("out of memory"), -1;
    }

    files->shown = clock_monotonic();

    rc = cli_backup_manifest_open(manifest, source->path, source->manifest);

    if (rc == 0) {
        rc = cli_backup_files_all(files, manifest, source->manifest);
    }

    cli_backup_manifest_close(manifest);
    free(manifest);

    (void) close(files->copy);
    files->copy = -1;

    return rc;
}


/* writes the files of a directory to disk, and counts: 0, or -1 with errno */
static int
cli_backup_files_sync_all(cli_backup_files_t *files, int dirfd)
{
    int             fd, rc;
    DIR            *dir;
    struct stat     st;
    struct dirent  *entry;

    fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    dir = fd == -1 ? NULL : fdopendir(fd);

    if (dir == NULL) {
        return -1;
    }

    rc = 0;

    while (rc == 0 && (entry = readdir(dir)) != NULL) {

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
        {
            continue;
        }

        fd = openat(dirfd, entry->d_name, O_RDONLY | O_CLOEXEC);
        rc = fd == -1 ? -1 : fsync(fd);

        if (rc == 0 && fstat(fd, &st) == 0) {
            files->size += (uint64_t) st.st_size;
        }

        if (fd != -1) {
            (void) close(fd);
        }
    }

    (void) closedir(dir);

    return rc;
}


int
cli_backup_files_sync(cli_backup_files_t *files, const char *node,
    const cli_backup_source_t *source)
{
    int  fd, rc, server;

    server = cli_backup_files_server(files, node);

    if (server == -1) {
        return -1;
    }

    fd = openat(server, source->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    rc = fd != -1 && cli_backup_files_sync_all(files, fd) == 0 && fsync(fd) == 0
         && fsync(server) == 0 ? 0 : cli_backup_files_failed(files->name);

    if (fd != -1) {
        (void) close(fd);
    }

    (void) close(server);

    return rc;
}


int
cli_backup_files_text(const cli_backup_files_t *files, const char *node,
    const char *name, const buf_t *text)
{
    int  fd, rc;

    fd = cli_backup_files_server(files, node);

    if (fd == -1) {
        return -1;
    }

    rc = cli_backup_files_small(fd, name, text);
    (void) close(fd);

    return rc;
}


int
cli_backup_files_finish(cli_backup_files_t *files)
{
    if (fsync(files->partial) == -1) {
        return cli_backup_files_failed(files->name);
    }

    if (cli_signal_caught()) {
        return cli_fail("interrupted"), -1;
    }

    if (renameat2(files->dirfd, files->name, files->dirfd, files->time,
                  RENAME_NOREPLACE) == -1)
    {
        /* some file systems know no flags: a directory replaces none but an
           empty one */

        if (errno != EINVAL
            || faccessat(files->dirfd, files->time, F_OK, 0) == 0
            || renameat(files->dirfd, files->name, files->dirfd, files->time)
               == -1)
        {
            return cli_backup_files_failed(files->time);
        }
    }

    files->name[0] = '\0';

    if (fsync(files->dirfd) == -1) {
        return cli_backup_files_failed(files->dir);
    }

    return 0;
}


void
cli_backup_files_close(cli_backup_files_t *files)
{
    if (files->copy != -1) {
        (void) close(files->copy);
    }

    if (files->partial != -1) {
        (void) close(files->partial);
    }

    if (files->name[0] && files->dirfd != -1
        && cli_backup_files_delete(files->dirfd, files->name, FILES_DEPTH)
           == -1)
    {
        (void) cli_fail("cannot delete \"%s/%s\": %s", files->dir, files->name,
                        strerror(errno));
    }

    if (files->dirfd != -1) {
        (void) close(files->dirfd);
    }

    free(files->dir);
}
