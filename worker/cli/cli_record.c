
/*
 * leaseloft record: prints the record of a whole thread (docs/record.md).
 *
 * Where the record ends is fixed first: the last read mark, then the newest
 * entry, so that no mark is past it.  Then entries and marks are read in
 * blocks; what is written meanwhile is left out.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain.h"
#include "cli_record.h"
#include "cli_redis.h"
#include "clock.h"
#include "common/record.h"
#include "entries.h"
#include "note.h"
#include "pack.h"


/* read marks in a reply */
#define CLI_RECORD_MARKS  500

#define CLI_RECORD_KEY_MAX  16384


/* options, in the order of cli_commands.c */

enum {
    CLI_RECORD_KEY = 0,
    CLI_RECORD_ORIGIN
};


typedef struct {
    uint64_t        last;
    unsigned char   hash[CHAIN_HASH];  /* of the entry last printed */
    char            made_at[CLOCK_LEN + 1];
    char            mark[64];          /* id of the last read mark, or "" */
    note_signer_t  *signer;            /* or NULL */
    buf_t           buf;
} cli_record_t;


/* makes room for size bytes at the start of the buffer; NULL: no memory */
static char *
cli_record_room(cli_record_t *record, size_t size)
{
    static const char  zeros[256];

    buf_reset(&record->buf);

    while (record->buf.len < size && !buf_failed(&record->buf)) {
        buf_add(&record->buf, zeros, sizeof(zeros));
    }

    return buf_failed(&record->buf) ? NULL : record->buf.data;
}


/* prints a line; 0, or -1 after an error message */
static int
cli_record_line(cli_record_t *record, const char *end)
{
    size_t  len;

    len = (size_t) (end - record->buf.data);

    if (fwrite(record->buf.data, 1, len, stdout) != len) {
        return -1;
    }

    return 0;
}


static int
cli_record_memory(void)
{
    return cli_fail("out of memory"), -1;
}


static void
cli_record_key(args_t *args, const cli_t *cli, ll_property_key_e key)
{
    char    name[LL_KEY_MAX];
    size_t  len;

    len = ll_keys_property(name, key, cli->args[0], strlen(cli->args[0]));
    args_copy(args, name, len);
}


/* sets where the read marks end */
static int
cli_record_marks_end(cli_t *cli, cli_record_t *record)
{
    args_t             args = ARGS_INIT;
    redisReply        *reply;
    const redisReply  *item;

    args_lit(&args, "XREVRANGE");
    cli_record_key(&args, cli, LL_KEY_READS);
    args_lit(&args, "+");
    args_lit(&args, "-");
    args_lit(&args, "COUNT");
    args_lit(&args, "1");

    reply = cli_redis_call(cli, &args);
    args_free(&args);

    if (reply == NULL) {
        return -1;
    }

    item = conn_element(reply, 0);

    if (item) {
        (void) snprintf(record->mark, sizeof(record->mark), "%s",
                        cli_redis_text(item, 0));
    }

    freeReplyObject(reply);

    return 0;
}


/* the label in the second line of a view, as JSON; empty if there is none */
static ll_record_str_t
cli_record_label(const char *view)
{
    const char        *end;
    ll_record_str_t    label;

    label.data = strchr(view, '\n');
    label.data = label.data ? label.data + 1 : "";

    end = strchr(label.data, '\n');
    label.len = end ? (size_t) (end - label.data) : 0;

    return label;
}


/* the first line, from the fields seq, view, pview and zone of meta */
static int
cli_record_head(cli_t *cli, cli_record_t *record, const redisReply *meta)
{
    char              *p;
    long long          last;
    ll_record_str_t    label;
    ll_record_head_t   head;

    if (conn_element(meta, 0) == NULL
        || conn_element(meta, 0)->type == REDIS_REPLY_NIL)
    {
        return cli_fail("there is no property \"%s\"", cli->args[0]), -1;
    }

    label = cli_record_label(cli_redis_text(meta, 1));
    label = label.len ? label : cli_record_label(cli_redis_text(meta, 2));

    if (conn_number(conn_element(meta, 0), &last) != 0 || last < 0
        || label.len == 0)
    {
        return cli_fail("the data of \"%s\" in Redis is damaged",
                        cli->args[0]), -1;
    }

    if (chain_first(record->hash, cli->args[0], strlen(cli->args[0])) != 0) {
        return cli_record_memory();
    }

    memset(&head, 0, sizeof(ll_record_head_t));

    head.property.data = cli->args[0];
    head.property.len = strlen(cli->args[0]);
    head.label = label;
    head.zone.data = cli_redis_text(meta, 3);
    head.zone.len = strlen(head.zone.data);
    head.reader.data = "null";
    head.reader.len = 4;
    head.first = 1;
    head.last = record->last = (uint64_t) last;
    head.base = record->hash;
    head.made_at = record->made_at;

    p = cli_record_room(record, ll_record_head_max(&head));

    return p ? cli_record_line(record, ll_record_head(p, &head))
             : cli_record_memory();
}


static int
cli_record_begin(cli_t *cli, cli_record_t *record)
{
    int          rc;
    args_t       args = ARGS_INIT;
    redisReply  *meta;

    if (cli_record_marks_end(cli, record) != 0) {
        return -1;
    }

    args_lit(&args, "HMGET");
    cli_record_key(&args, cli, LL_KEY_META);
    args_lit(&args, "seq");
    args_lit(&args, "view");
    args_lit(&args, "pview");
    args_lit(&args, "zone");

    meta = cli_redis_call(cli, &args);
    args_free(&args);

    if (meta == NULL) {
        return -1;
    }

    clock_format(record->made_at, clock_now());

    rc = cli_record_head(cli, record, meta);
    freeReplyObject(meta);

    return rc;
}


static int
cli_record_entry(cli_record_t *record, const thread_entry_t *entry)
{
    char  *p;

    p = cli_record_room(record, LL_RECORD_ENTRY_MAX(entry->len));
    if (p == NULL) {
        return cli_record_memory();
    }

    if (entry->hash) {
        memcpy(record->hash, entry->hash, CHAIN_HASH);
    }

    if (entry->kind == PACK_ENTRY) {
        p = ll_record_entry(p, entry->seq, entry->entry, entry->len,
                            entry->salt, entry->hash);

    } else if (entry->kind == PACK_ERASED
               && entry->len > LL_RECORD_TIME + 2)
    {
        /* it ends with "erased_at":"TIME"} */

        p = ll_record_erased(p, entry->seq, entry->digest, entry->hash,
                             entry->entry + entry->len - 2 - LL_RECORD_TIME);

    } else {
        p = ll_record_lost(p, entry->seq);
    }

    return cli_record_line(record, p);
}


static int
cli_record_entries(cli_t *cli, cli_record_t *record)
{
    int             rc;
    entries_t       entries;
    thread_entry_t  entry;

    entries_init(&entries, cli->conn, cli->args[0], 1, record->last, 0);

    while ((rc = entries_next(&entries, &entry)) == 1) {
        if (cli_record_entry(record, &entry) != 0) {
            break;
        }
    }

    entries_free(&entries);

    if (rc == -1) {
        return cli_fail("cannot read the entries: %s", conn_error(cli->conn)),
               -1;
    }

    return rc == 0 ? 0 : -1;
}


/* [ id, [ u USER n UPTO t TIME ] ] */
static int
cli_record_mark(cli_record_t *record, const redisReply *item)
{
    char               at[CLOCK_LEN + 1], *p;
    size_t             len;
    long long          upto, ms;
    const char        *user;
    const redisReply  *fields;

    fields = conn_element(item, 1);
    user = cli_redis_text(fields, 1);
    len = strlen(user);

    if (!ll_id_valid(user, len)
        || conn_number(conn_element(fields, 3), &upto) != 0
        || conn_number(conn_element(fields, 5), &ms) != 0)
    {
        return cli_fail("a read mark in Redis is damaged"), -1;
    }

    p = cli_record_room(record, LL_RECORD_READ_MAX);
    if (p == NULL) {
        return cli_record_memory();
    }

    clock_format(at, ms);

    return cli_record_line(record, ll_record_read(p, user, len,
                                                  (uint64_t) upto, at));
}


static int
cli_record_marks(cli_t *cli, cli_record_t *record)
{
    char         from[80];
    args_t       args = ARGS_INIT;
    size_t       i, n;
    redisReply  *reply;

    (void) snprintf(from, sizeof(from), "-");

    do {
        args_lit(&args, "XRANGE");
        cli_record_key(&args, cli, LL_KEY_READS);
        args_adds(&args, from);
        args_adds(&args, record->mark);
        args_lit(&args, "COUNT");
        args_number(&args, CLI_RECORD_MARKS);

        reply = cli_redis_call(cli, &args);
        args_free(&args);

        if (reply == NULL) {
            return -1;
        }

        n = reply->elements;

        for (i = 0; i < n; i++) {
            if (cli_record_mark(record, reply->element[i]) != 0) {
                freeReplyObject(reply);
                return -1;
            }
        }

        if (n) {
            (void) snprintf(from, sizeof(from), "(%s",
                            cli_redis_text(reply->element[n - 1], 0));
        }

        freeReplyObject(reply);

    } while (n == CLI_RECORD_MARKS);

    return 0;
}


/* the last line, with the checkpoint */
static int
cli_record_end(cli_t *cli, cli_record_t *record)
{
    char       text[LL_SIGN_MAX], *p;
    size_t     len;
    ll_sign_t  note;

    len = 0;

    if (record->signer) {
        memset(&note, 0, sizeof(ll_sign_t));

        note.property = cli->args[0];
        note.property_len = strlen(cli->args[0]);
        note.seq = record->last;
        note.hash = record->hash;
        note.time = record->made_at;

        if (note_sign(record->signer, &note, text, &len) != 0) {
            return cli_fail("cannot sign the checkpoint"), -1;
        }
    }

    p = cli_record_room(record, LL_RECORD_LAST_MAX(len));
    if (p == NULL) {
        return cli_record_memory();
    }

    return cli_record_line(record, ll_record_last(p, record->last,
                                                  len ? text : NULL, len));
}


/* --record-key and --origin */
static int
cli_record_signer(cli_t *cli, cli_record_t *record)
{
    buf_t        pem = BUF_INIT;
    const char  *file, *origin;

    file = cli->values[CLI_RECORD_KEY];
    origin = cli->values[CLI_RECORD_ORIGIN];

    if (file == NULL && origin == NULL) {
        return CLI_OK;
    }

    if (file == NULL || origin == NULL) {
        return cli_usage(cli, "--record-key and --origin belong together");
    }

    if (!ll_sign_name_valid(origin, strlen(origin))) {
        return cli_usage(cli, "--origin must be 1 to %d printable characters "
                         "of ASCII, without spaces and \"+\"",
                         LL_SIGN_NAME_MAX);
    }

    if (cli_read_file(file, CLI_RECORD_KEY_MAX, &pem) != 0) {
        buf_free(&pem);
        return CLI_FAILED;
    }

    record->signer = note_signer_create(pem.data ? pem.data : "", pem.len,
                                        origin);
    buf_free(&pem);

    return record->signer
           ? CLI_OK
           : cli_fail("\"%s\" has no Ed25519 private key in PEM, which "
                      "\"openssl genpkey -algorithm ed25519\" makes", file);
}


int
cli_record(cli_t *cli)
{
    int           rc;
    cli_record_t  record = { .buf = BUF_INIT };

    if (cli_check_id(cli, "PROPERTY", cli->args[0]) != CLI_OK) {
        return CLI_USAGE;
    }

    rc = cli_record_signer(cli, &record);

    if (rc == CLI_OK
        && (cli_redis_connect(cli) != 0
            || cli_record_begin(cli, &record) != 0
            || cli_record_entries(cli, &record) != 0
            || (record.mark[0] && cli_record_marks(cli, &record) != 0)
            || cli_record_end(cli, &record) != 0))
    {
        rc = CLI_FAILED;
    }

    note_signer_free(record.signer);
    buf_free(&record.buf);

    return rc;
}
