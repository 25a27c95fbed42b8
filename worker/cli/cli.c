
/* Reads files, prints results and reports errors for all commands. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/id.h"
#include "common/redis_url.h"
#include "cli.h"


/* masks passwords: an argument may be a URL, also by mistake */
static void
cli_vfail(const char *fmt, va_list args)
{
    char  *text;

    if (vasprintf(&text, fmt, args) == -1) {
        (void) fprintf(stderr, "leaseloft: out of memory\n");
        return;
    }

    ll_redis_url_mask(text);
    (void) fprintf(stderr, "leaseloft: %s\n", text);
    free(text);
}


int
cli_fail(const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    cli_vfail(fmt, args);
    va_end(args);

    return CLI_FAILED;
}


int
cli_usage(const cli_t *cli, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    cli_vfail(fmt, args);
    va_end(args);

    (void) fprintf(stderr, "try \"leaseloft %s%s--help\"\n",
                   cli->command ? cli->command->name : "",
                   cli->command ? " " : "");

    return CLI_USAGE;
}


int
cli_check_id(const cli_t *cli, const char *what, const char *id)
{
    if (!ll_id_valid(id, strlen(id))) {
        return cli_usage(cli, "%s must be 1 to %d of A-Z a-z 0-9 _ -", what,
                         LL_ID_MAX);
    }

    return CLI_OK;
}


int
cli_print(const buf_t *buf)
{
    if (buf_failed(buf)) {
        return cli_fail("out of memory");
    }

    (void) fwrite(buf->data, 1, buf->len, stdout);
    (void) putchar('\n');

    return CLI_OK;
}


int
cli_read_file(const char *path, size_t max, buf_t *buf)
{
    int      rc;
    char     block[4096];
    FILE    *file;
    size_t   n;

    file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");

    if (file == NULL) {
        (void) cli_fail("cannot open \"%s\": %s", path, strerror(errno));
        return -1;
    }

    do {
        n = fread(block, 1, sizeof(block), file);
        buf_add(buf, block, n);
    } while (n && buf->len <= max);

    rc = 0;

    if (ferror(file)) {
        (void) cli_fail("cannot read \"%s\": %s", path, strerror(errno));
        rc = -1;

    } else if (buf->len > max) {
        (void) cli_fail("\"%s\" has more than %zu bytes", path, max);
        rc = -1;

    } else if (buf_failed(buf)) {
        (void) cli_fail("out of memory");
        rc = -1;
    }

    if (file != stdin) {
        (void) fclose(file);
    }

    return rc;
}
