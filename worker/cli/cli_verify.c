
/*
 * leaseloft verify: verifies a record (docs/record.md).  It uses neither the
 * network nor Redis, and memory for one line, however large the file is.
 *
 * The file may be hostile, and the output goes to a terminal, so nothing of the
 * file is printed but ids, numbers, times and the name of the key.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_verify.h"
#include "json.h"
#include "record_check.h"


/* options, in the order of cli_commands.c */

enum {
    CLI_VERIFY_KEY = 0,
    CLI_VERIFY_CHECKPOINT
};


typedef struct {
    note_key_t       key;
    note_t           older;
    buf_t            older_text;
    record_check_t   check;
    unsigned long    line;             /* that fails, from 1 */
    size_t           len;              /* bytes in buf */
    char             buf[RECORD_CHECK_LINE + 2];
} cli_verify_t;


/* the argument itself if it has that character, or else the file it names */
static int
cli_verify_text(buf_t *buf, const char *value, char c)
{
    if (strchr(value, c)) {
        buf_adds(buf, value);
        return 0;
    }

    return cli_read_file(value, NOTE_MAX, buf);
}


/* --key: NAME+ID+KEY, or a file with it */
static int
cli_verify_key(cli_t *cli, cli_verify_t *verify)
{
    int          rc;
    buf_t        buf = BUF_INIT;
    const char  *value;

    value = cli->values[CLI_VERIFY_KEY];

    if (value == NULL) {
        return CLI_OK;
    }

    if (cli_verify_text(&buf, value, '+') != 0) {
        buf_free(&buf);
        return CLI_USAGE;
    }

    while (buf.len && (buf.data[buf.len - 1] == '\n'
                       || buf.data[buf.len - 1] == '\r'))
    {
        buf.len--;
    }

    rc = note_key_parse(&verify->key, buf.data ? buf.data : "", buf.len);
    buf_free(&buf);

    return rc == 0 ? CLI_OK
                   : cli_usage(cli, "--key must be a public key NAME+ID+KEY, "
                               "or a file with it");
}


/* --checkpoint: a signed note, or a file with it */
static int
cli_verify_older(cli_t *cli, cli_verify_t *verify)
{
    const char  *value;

    value = cli->values[CLI_VERIFY_CHECKPOINT];

    if (value == NULL) {
        return CLI_OK;
    }

    if (cli_verify_text(&verify->older_text, value, '\n') != 0) {
        return CLI_USAGE;
    }

    return note_parse(&verify->older, verify->older_text.data
                                      ? verify->older_text.data : "",
                      verify->older_text.len) == 0
           ? CLI_OK
           : cli_usage(cli, "--checkpoint must be a signed checkpoint, or a "
                       "file with it");
}


/* passes the lines in buf to the check; 0 or -1 */
static int
cli_verify_lines(cli_verify_t *verify)
{
    char    *line, *feed, *end;
    size_t   left;

    line = verify->buf;
    end = verify->buf + verify->len;

    for ( ;; ) {
        left = (size_t) (end - line);
        feed = memchr(line, '\n', left);

        if (feed == NULL && left <= RECORD_CHECK_LINE) {
            break;
        }

        verify->line++;

        if (record_check_line(&verify->check, line,
                              feed ? (size_t) (feed - line) : left)
            != 0)
        {
            return -1;
        }

        line = feed + 1;
    }

    memmove(verify->buf, line, left);
    verify->len = left;

    return 0;
}


/* 0, -1 if the record fails, or -2 after an error message */
static int
cli_verify_file(cli_verify_t *verify, const char *path)
{
    int      rc;
    FILE    *file;
    size_t   n;

    file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");

    if (file == NULL) {
        (void) cli_fail("cannot open \"%s\": %s", path, strerror(errno));
        return -2;
    }

    rc = 0;

    do {
        n = fread(verify->buf + verify->len, 1,
                  sizeof(verify->buf) - verify->len, file);
        verify->len += n;
        rc = cli_verify_lines(verify);
    } while (rc == 0 && n);

    if (rc == 0 && ferror(file)) {
        (void) cli_fail("cannot read \"%s\": %s", path, strerror(errno));
        rc = -2;
    }

    if (file != stdin) {
        (void) fclose(file);
    }

    if (rc != 0) {
        return rc;
    }

    /* a line without its line feed is not a line */

    verify->line += verify->len != 0;

    if (record_check_end(&verify->check) != 0) {
        return -1;
    }

    if (verify->len) {
        verify->check.failed = 0;
        (void) snprintf(verify->check.why, sizeof(verify->check.why),
                        "the record goes on after its last line");
        return -1;
    }

    return 0;
}


static int
cli_verify_failed(const cli_t *cli, const cli_verify_t *verify)
{
    buf_t                  out = BUF_INIT;
    const record_check_t  *check;

    check = &verify->check;

    if (!cli->json) {
        if (check->failed == 0) {
            return cli_fail("does not verify: line %lu: %s", verify->line,
                            check->why);
        }

        return cli_fail("does not verify: entry %llu (line %lu): %s",
                        (unsigned long long) check->failed, verify->line,
                        check->why);
    }

    buf_lit(&out, "{\"verified\":false,\"seq\":");

    if (check->failed) {
        buf_number(&out, (int64_t) check->failed);
    } else {
        buf_lit(&out, "null");
    }

    buf_lit(&out, ",\"line\":");
    buf_number(&out, (int64_t) verify->line);
    buf_lit(&out, ",\"why\":");
    json_strings(&out, check->why);
    buf_lit(&out, "}");

    (void) cli_print(&out);
    buf_free(&out);

    return CLI_FAILED;
}


static int
cli_verify_json(const cli_verify_t *verify)
{
    int                    rc;
    buf_t                  out = BUF_INIT;
    const record_check_t  *check;

    check = &verify->check;

    buf_lit(&out, "{\"verified\":true,\"property\":");
    json_strings(&out, check->property);
    buf_lit(&out, ",\"first\":");
    buf_number(&out, (int64_t) check->first);
    buf_lit(&out, ",\"last\":");
    buf_number(&out, (int64_t) check->last);
    buf_lit(&out, ",\"entries\":");
    buf_number(&out, (int64_t) check->entries);
    buf_lit(&out, ",\"erased\":");
    buf_number(&out, (int64_t) check->erased);
    buf_lit(&out, ",\"reads\":");
    buf_number(&out, (int64_t) check->reads);
    buf_lit(&out, ",\"origin\":");

    if (check->checkpoint) {
        json_strings(&out, check->origin);
        buf_lit(&out, ",\"time\":");
        json_strings(&out, check->time);

    } else {
        buf_lit(&out, "null,\"time\":null");
    }

    buf_adds(&out, check->key ? ",\"signed\":true}" : ",\"signed\":false}");

    rc = cli_print(&out);
    buf_free(&out);

    return rc;
}


/* what the record proves, in words */
static int
cli_verify_proven(const cli_verify_t *verify)
{
    const record_check_t  *check;

    check = &verify->check;

    printf("verified: property %s, entries %llu to %llu, %llu in all, %llu of "
           "them erased\n", check->property,
           (unsigned long long) check->first, (unsigned long long) check->last,
           (unsigned long long) check->entries,
           (unsigned long long) check->erased);

    if (!check->checkpoint) {
        printf("There is no checkpoint: the entries fit together, but whoever "
               "made the file\nmay have made all of them up, or left out the "
               "last ones.\n");

    } else if (check->key) {
        printf("%s signed that it held exactly these entries, in this order, "
               "at\n%s.\n", check->origin, check->time);

    } else {
        printf("The checkpoint names %s, at %s,\nbut its signature was not "
               "verified: that takes --key.\n", check->origin, check->time);
    }

    if (check->first > 1) {
        printf("It says nothing about what was written before entry %llu.\n",
               (unsigned long long) check->first);
    }

    printf("It does not prove who sat at the keyboard.  The first line and the "
           "read marks\n(%llu) are not part of the proof.\n",
           (unsigned long long) check->reads);

    return CLI_OK;
}


int
cli_verify(cli_t *cli)
{
    int            rc;
    cli_verify_t  *verify;

    verify = calloc(1, sizeof(cli_verify_t));

    if (verify == NULL) {
        return cli_fail("out of memory");
    }

    rc = cli_verify_key(cli, verify);
    rc = rc == CLI_OK ? cli_verify_older(cli, verify) : rc;

    if (rc == CLI_OK) {
        record_check_init(&verify->check,
                          cli->values[CLI_VERIFY_KEY] ? &verify->key : NULL,
                          cli->values[CLI_VERIFY_CHECKPOINT] ? &verify->older
                                                             : NULL);

        switch (cli_verify_file(verify, cli->args[0])) {

        case 0:
            rc = cli->json ? cli_verify_json(verify)
                           : cli_verify_proven(verify);
            break;

        case -1:
            rc = cli_verify_failed(cli, verify);
            break;

        default:
            rc = CLI_USAGE;
        }
    }

    buf_free(&verify->older_text);
    free(verify);

    return rc;
}
