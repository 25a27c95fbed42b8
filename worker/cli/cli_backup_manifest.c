
/*
 * Opens the append-only files of one moment.
 *
 * A line of the manifest is "file NAME seq N type T", with T "b" for the base,
 * "i" for what was written after it, and "h" for history, which Redis deletes.
 * Redis replaces the manifest by a rename whenever the set of files changes.
 * So the files are opened and the manifest is read again: if it is the same,
 * the open files belong together, whatever Redis does next.  Only the last one
 * still grows, by appending: its size at that time is its end.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli_backup_manifest.h"


#define MANIFEST_MAX       65536
#define MANIFEST_ATTEMPTS  100


/* reads the manifest: 0, or -1 after an error message */
static int
cli_backup_manifest_read(int dirfd, const char *path, const char *name,
    buf_t *text)
{
    int      fd;
    char     block[4096];
    ssize_t  n;

    fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);

    if (fd == -1) {
        return cli_fail("cannot open \"%s/%s\": %s", path, name,
                        strerror(errno)), -1;
    }

    do {
        n = read(fd, block, sizeof(block));
        buf_add(text, block, n > 0 ? (size_t) n : 0);
    } while (n > 0 && text->len <= MANIFEST_MAX);

    (void) close(fd);

    if (n != 0 || buf_failed(text)) {
        return cli_fail("cannot read \"%s/%s\"", path, name), -1;
    }

    return 0;
}


/*
 * Splits a line: its file and its type.  Returns 0, or -1 if it is malformed or
 * if the name is one that Redis has quoted.
 */
static int
cli_backup_manifest_line(char *line, const char **name, char *type)
{
    char  *key, *value, *next;

    *name = NULL;
    *type = '\0';

    for (key = strtok_r(line, " ", &next); key;
         key = strtok_r(NULL, " ", &next))
    {
        value = strtok_r(NULL, " ", &next);

        if (value == NULL) {
            return -1;
        }

        if (strcmp(key, "file") == 0) {
            *name = value;

        } else if (strcmp(key, "type") == 0) {
            *type = value[0];
        }
    }

    return *name && *type && strlen(*name) <= NAME_MAX
           && strpbrk(*name, "/\"'") == NULL ? 0 : -1;
}


/* opens a file: 0, 1 if Redis has deleted it, or -1 after an error message */
static int
cli_backup_manifest_add(cli_backup_manifest_t *manifest, int dirfd,
    const char *path, const char *name)
{
    cli_backup_file_t  *file = &manifest->files[manifest->n];

    if (manifest->n == CLI_BACKUP_MANIFEST_FILES) {
        return cli_fail("the manifest names more than %d files",
                        CLI_BACKUP_MANIFEST_FILES), -1;
    }

    file->fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);

    if (file->fd == -1) {
        return errno == ENOENT ? 1 : (cli_fail("cannot open \"%s/%s\": %s",
                                               path, name, strerror(errno)),
                                      -1);
    }

    (void) stpcpy(file->name, name);
    manifest->n++;

    return 0;
}


/* opens what the text names: 0, 1 if a file is missing, or -1 */
static int
cli_backup_manifest_files(cli_backup_manifest_t *manifest, int dirfd,
    const char *path, const buf_t *text)
{
    int          rc;
    char         line[1024], type;
    size_t       len;
    const char  *p, *end, *name;

    rc = 0;

    for (p = text->data ? text->data : ""; rc == 0 && *p; p = end + 1) {
        end = strchrnul(p, '\n');
        len = (size_t) (end - p);

        if (len >= sizeof(line) || *end == '\0') {
            return cli_fail("the manifest is malformed"), -1;
        }

        memcpy(line, p, len);
        line[len] = '\0';

        if (line[0] == '#') {
            continue;
        }

        if (cli_backup_manifest_line(line, &name, &type) != 0) {
            return cli_fail("the manifest is malformed"), -1;
        }

        if (type != 'h') {
            buf_add(&manifest->text, p, len + 1);
            rc = cli_backup_manifest_add(manifest, dirfd, path, name);
        }
    }

    return rc;
}


/* sets the sizes: 0, or -1 after an error message */
static int
cli_backup_manifest_sizes(cli_backup_manifest_t *manifest)
{
    unsigned     i;
    struct stat  st;

    for (i = 0; i < manifest->n; i++) {
        if (fstat(manifest->files[i].fd, &st) == -1) {
            return cli_fail("cannot read \"%s\": %s", manifest->files[i].name,
                            strerror(errno)), -1;
        }

        manifest->files[i].size = (uint64_t) st.st_size;
    }

    return 0;
}


/* 0, 1 if the files have changed meanwhile, or -1 after an error message */
static int
cli_backup_manifest_try(cli_backup_manifest_t *manifest, int dirfd,
    const char *path, const char *name)
{
    int    rc;
    buf_t  text = BUF_INIT, again = BUF_INIT;

    rc = cli_backup_manifest_read(dirfd, path, name, &text);

    if (rc == 0) {
        rc = cli_backup_manifest_files(manifest, dirfd, path, &text);
    }

    if (rc == 0) {
        rc = cli_backup_manifest_read(dirfd, path, name, &again);
    }

    if (rc == 0) {
        rc = text.len != again.len
             || (text.len && memcmp(text.data, again.data, text.len) != 0);
    }

    if (rc == 0 && (manifest->n == 0 || buf_failed(&manifest->text))) {
        rc = (cli_fail("the manifest names no files"), -1);
    }

    if (rc == 0) {
        rc = cli_backup_manifest_sizes(manifest);
    }

    buf_free(&text);
    buf_free(&again);

    return rc;
}


int
cli_backup_manifest_open(cli_backup_manifest_t *manifest, const char *path,
    const char *name)
{
    int  i, rc, dirfd;

    manifest->n = 0;
    manifest->text = (buf_t) BUF_INIT;

    dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (dirfd == -1) {
        return cli_fail("cannot open \"%s\": %s: run the command on the "
                        "machine of Redis, as a user who may read its files",
                        path, strerror(errno)), -1;
    }

    rc = 1;

    for (i = 0; rc == 1 && i < MANIFEST_ATTEMPTS; i++) {
        cli_backup_manifest_close(manifest);
        rc = cli_backup_manifest_try(manifest, dirfd, path, name);
    }

    (void) close(dirfd);

    if (rc == 1) {
        return cli_fail("files that the manifest names are missing in \"%s\"",
                        path), -1;
    }

    return rc;
}


void
cli_backup_manifest_close(cli_backup_manifest_t *manifest)
{
    while (manifest->n) {
        (void) close(manifest->files[--manifest->n].fd);
    }

    buf_free(&manifest->text);
    manifest->text = (buf_t) BUF_INIT;
}
