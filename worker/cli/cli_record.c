
/*
 * leaseloft record: prints the record of a thread (docs/record.md), whole or as
 * one user may see it.
 *
 * ll1_record fixes in one step where the record begins and ends.  Then entries
 * and marks are read in blocks; what is written meanwhile is left out.
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
#include "fcall.h"
#include "note.h"
#include "pack.h"


/* read marks in a reply */
#define CLI_RECORD_MARKS  500

#define CLI_RECORD_KEY_MAX  16384


/* options, in the order of cli_commands.c */

enum {
    CLI_RECORD_KEY = 0,
    CLI_RECORD_ORIGIN,
    CLI_RECORD_AS
};


/* the reply of ll1_record */

enum {
    CLI_RECORD_FIRST = 0,
    CLI_RECORD_LAST,
    CLI_RECORD_ROLE,
    CLI_RECORD_LABEL,
    CLI_RECORD_ZONE,
    CLI_RECORD_CLOSED,
    CLI_RECORD_READER,
    CLI_RECORD_MARK
};


typedef struct {
    const char     *user;              /* "" for the whole thread */
    uint64_t        first;
    uint64_t        last;
    int             closed;            /* the window is */
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


/* calls a function that reads the record's property, with more arguments */
static redisReply *
cli_record_call(cli_t *cli, args_t *args)
{
    redisReply  *reply;

    reply = cli_redis_call(cli, args);
    args_free(args);

    return reply;
}


/* { first, last, role, label, zone, closed, reader, newest mark }, or nil */
static redisReply *
cli_record_window(cli_t *cli, cli_record_t *record)
{
    long long    first, last, closed;
    args_t       args = ARGS_INIT;
    redisReply  *reply;

    fcall_property(&args, "ll1_record", cli->args[0]);
    args_adds(&args, record->user);

    reply = cli_record_call(cli, &args);

    if (reply == NULL) {
        return NULL;
    }

    if (reply->type == REDIS_REPLY_NIL) {
        (void) cli_fail(record->user[0]
                        ? "there is no property \"%s\", or \"%s\" sees nothing "
                          "of it"
                        : "there is no property \"%s\"",
                        cli->args[0], record->user);

    } else if (conn_number(conn_element(reply, CLI_RECORD_FIRST), &first) != 0
               || conn_number(conn_element(reply, CLI_RECORD_LAST), &last) != 0
               || conn_number(conn_element(reply, CLI_RECORD_CLOSED), &closed)
                  != 0
               || first < 1 || last < first - 1
               || cli_redis_text(reply, CLI_RECORD_LABEL)[0] == '\0')
    {
        (void) cli_fail("the data of \"%s\" in Redis is damaged", cli->args[0]);

    } else {
        record->first = (uint64_t) first;
        record->last = (uint64_t) last;
        record->closed = closed != 0;
        (void) snprintf(record->mark, sizeof(record->mark), "%s",
                        cli_redis_text(reply, CLI_RECORD_MARK));
        return reply;
    }

    freeReplyObject(reply);

    return NULL;
}


/*
 * Appends the reader: null, a party as Redis says, or, for one who left, the
 * party of the last entry in their window.  Returns 0 or -1.
 */
static int
cli_record_reader(cli_t *cli, cli_record_t *record, const redisReply *window,
    buf_t *reader)
{
    int              rc;
    entries_t        entries;
    thread_entry_t   entry;
    ll_record_str_t  party;

    if (record->user[0] == '\0') {
        buf_lit(reader, "null");
        return 0;
    }

    if (cli_redis_text(window, CLI_RECORD_READER)[0]) {
        buf_adds(reader, cli_redis_text(window, CLI_RECORD_READER));
        return 0;
    }

    entries_init(&entries, cli_redis_property(cli, cli->args[0]), cli->args[0],
                 record->last, record->last, 0);
    rc = entries_next(&entries, &entry);

    if (rc == 1 && entry.kind == PACK_ENTRY
        && ll_record_party(entry.entry, entry.len, &party) == 0)
    {
        buf_add(reader, party.data, party.len);

    } else {
        buf_lit(reader, "{\"user\":\"");
        buf_adds(reader, record->user);
        buf_lit(reader, "\",\"role\":\"");
        buf_adds(reader, cli_redis_text(window, CLI_RECORD_ROLE));
        buf_lit(reader, "\",\"name\":null}");
    }

    entries_free(&entries);

    return rc == -1 ? -1 : 0;
}


/* sets the hash before the first entry; zeros if the entry before is lost */
static int
cli_record_base(cli_t *cli, cli_record_t *record)
{
    int             rc;
    entries_t       entries;
    thread_entry_t  entry;

    if (record->first == 1) {
        return chain_first(record->hash, cli->args[0], strlen(cli->args[0]));
    }

    entries_init(&entries, cli_redis_property(cli, cli->args[0]), cli->args[0],
                 record->first - 1, record->first - 1, 0);
    rc = entries_next(&entries, &entry);

    if (rc == 1 && entry.hash) {
        memcpy(record->hash, entry.hash, CHAIN_HASH);
    }

    entries_free(&entries);

    return rc == -1 ? -1 : 0;
}


static int
cli_record_head(cli_t *cli, cli_record_t *record, const redisReply *window,
    const buf_t *reader)
{
    char              *p;
    ll_record_head_t   head;

    memset(&head, 0, sizeof(ll_record_head_t));

    head.property.data = cli->args[0];
    head.property.len = strlen(cli->args[0]);
    head.label.data = cli_redis_text(window, CLI_RECORD_LABEL);
    head.label.len = strlen(head.label.data);
    head.zone.data = cli_redis_text(window, CLI_RECORD_ZONE);
    head.zone.len = strlen(head.zone.data);
    head.reader.data = reader->data;
    head.reader.len = reader->len;
    head.first = record->first;
    head.last = record->last;
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
    buf_t        reader = BUF_INIT;
    redisReply  *window;

    window = cli_record_window(cli, record);

    if (window == NULL) {
        return -1;
    }

    clock_format(record->made_at, clock_now());

    rc = -1;

    if (cli_record_reader(cli, record, window, &reader) != 0
        || cli_record_base(cli, record) != 0)
    {
        (void) cli_fail("cannot read the entries: %s", conn_error(cli->conn));

    } else if (buf_failed(&reader)) {
        (void) cli_record_memory();

    } else {
        rc = cli_record_head(cli, record, window, &reader);
    }

    freeReplyObject(window);
    buf_free(&reader);

    return rc;
}


static int
cli_record_entry(cli_record_t *record, const thread_entry_t *entry)
{
    char        *p;
    const char  *at;

    p = cli_record_room(record, LL_RECORD_ENTRY_MAX(entry->len)
                                + LL_RECORD_ERASED_MAX);
    if (p == NULL) {
        return cli_record_memory();
    }

    at = ll_record_erased_at(entry->entry, entry->len);

    if (entry->hash) {
        memcpy(record->hash, entry->hash, CHAIN_HASH);
    }

    if (entry->kind == PACK_ENTRY) {
        p = ll_record_entry(p, entry->seq, entry->entry, entry->len,
                            entry->salt, entry->hash);

    } else if (entry->kind == PACK_ERASED && at) {
        p = ll_record_erased(p, entry->seq, entry->digest, entry->hash, at);

    } else {
        p = ll_record_lost(p, entry->seq);
    }

    return cli_record_line(record, p);
}


static int
cli_record_entries(cli_t *cli, cli_record_t *record)
{
    int             rc;
    uint64_t        n, damaged;
    entries_t       entries;
    thread_entry_t  entry;

    n = 0;
    entries_init(&entries, cli_redis_property(cli, cli->args[0]), cli->args[0],
                 record->first, record->last, 0);

    while ((rc = entries_next(&entries, &entry)) == 1 && !entries.damaged) {
        if (cli_record_entry(record, &entry) != 0) {
            break;
        }

        n++;
    }

    damaged = entries.damaged;
    entries_free(&entries);

    if (rc == -1) {
        return cli_fail("cannot read the entries: %s", conn_error(cli->conn)),
               -1;
    }

    if (damaged) {
        return cli_fail("the segment of entry %llu is missing or damaged in "
                        "Redis", (unsigned long long) damaged), -1;
    }

    if (rc == 0 && n != record->last + 1 - record->first) {
        return cli_fail("the thread was deleted meanwhile"), -1;
    }

    return rc == 0 ? 0 : -1;
}


/* the mark at element i: user, number of the entry, time in ms */
static int
cli_record_mark(cli_record_t *record, const redisReply *reply, size_t i)
{
    char         at[CLOCK_LEN + 1], *p;
    size_t       len;
    long long    upto, ms;
    const char  *user;

    user = cli_redis_text(reply, i);
    len = strlen(user);

    if (!ll_id_valid(user, len)
        || conn_number(conn_element(reply, i + 1), &upto) != 0
        || conn_number(conn_element(reply, i + 2), &ms) != 0)
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
    int          rc;
    char         after[sizeof(record->mark)];
    args_t       args = ARGS_INIT;
    size_t       i;
    redisReply  *reply;

    after[0] = '\0';

    do {
        fcall_property(&args, "ll1_marks", cli->args[0]);
        args_adds(&args, record->user);
        args_number(&args, (int64_t) record->first);
        args_number(&args, (int64_t) record->last);
        args_number(&args, record->closed);
        args_adds(&args, after);
        args_adds(&args, record->mark);
        args_number(&args, CLI_RECORD_MARKS);

        reply = cli_record_call(cli, &args);

        if (reply == NULL) {
            return -1;
        }

        rc = 0;

        for (i = 1; rc == 0 && i < reply->elements; i += 3) {
            rc = cli_record_mark(record, reply, i);
        }

        (void) snprintf(after, sizeof(after), "%s", cli_redis_text(reply, 0));
        freeReplyObject(reply);

    } while (rc == 0 && after[0]);

    return rc;
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

    return cli_record_line(record, ll_record_last(p, record->last + 1
                                                     - record->first,
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

    record.user = cli->values[CLI_RECORD_AS] ? cli->values[CLI_RECORD_AS] : "";

    if (cli->values[CLI_RECORD_AS]
        && cli_check_id(cli, "--as", record.user) != CLI_OK)
    {
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
