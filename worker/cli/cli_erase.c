
/*
 * leaseloft erase: erases the text of one message for good, and logs why.
 *
 * One function in Redis replaces the message, if the thread is as it was read.
 * Then the inboxes are updated, as the message may be the newest that they
 * show.  If the command dies between the two, it is repeated: a message that is
 * erased already has its inboxes updated once more.
 */

#include <stdlib.h>
#include <string.h>

#include "common/cursor.h"
#include "common/utf8.h"
#include "cli_badges.h"
#include "cli_erase.h"
#include "clock.h"
#include "json.h"
#include "log.h"
#include "store_erase.h"


#define CLI_ERASE_REASON_MAX  500

/* how often a thread may change meanwhile; each change seals a segment, or
   erases another message */
#define CLI_ERASE_ATTEMPTS    100


/* options, in the order of cli_commands.c */

enum {
    CLI_ERASE_REASON = 0
};


typedef struct {
    cli_t           *cli;
    const char      *reason;
    args_t           args;
    store_erase_t    erase;
    redisReply      *meta;         /* sealed, erasures, seq */
    entries_t        entries;
    unsigned         n;            /* entries of the segment, or 0 */
    int              before;       /* it was erased before */
    int              logged;
    char             erased_at[CLOCK_LEN + 1];
} cli_erase_t;


typedef enum {
    CLI_ERASE_READY = 0,
    CLI_ERASE_CHANGED,
    CLI_ERASE_BEFORE,
    CLI_ERASE_FAILED
} cli_erase_step_e;


int
cli_erase_check_reason(const cli_t *cli, const char *reason)
{
    size_t  len;

    len = strlen(reason);

    if (reason[strspn(reason, " \t\r\n")] == '\0'
        || len > CLI_ERASE_REASON_MAX || !ll_utf8_valid(reason, len))
    {
        return cli_usage(cli, "--reason must be 1 to %d bytes of UTF-8",
                         CLI_ERASE_REASON_MAX);
    }

    return CLI_OK;
}


/* PROPERTY, SEQ and --reason */
static int
cli_erase_check(cli_t *cli, uint64_t *seq)
{
    if (cli_check_id(cli, "PROPERTY", cli->args[0]) != CLI_OK) {
        return CLI_USAGE;
    }

    if (ll_cursor_decode_seq(cli->args[1], strlen(cli->args[1]), seq) == -1
        || *seq == 0)
    {
        return cli_usage(cli, "SEQ must be the number of an entry");
    }

    return cli_erase_check_reason(cli, cli->values[CLI_ERASE_REASON]);
}


/* sets the time: 0, or -1 after an error message */
static int
cli_erase_now(cli_erase_t *e)
{
    long long    seconds, microseconds;
    redisReply  *reply;

    args_lit(&e->args, "TIME");
    reply = cli_redis_call(e->cli, &e->args);

    if (reply == NULL) {
        return -1;
    }

    if (conn_number(conn_element(reply, 0), &seconds) == -1
        || conn_number(conn_element(reply, 1), &microseconds) == -1)
    {
        seconds = 0;
        microseconds = 0;
    }

    e->erase.now = seconds * 1000 + microseconds / 1000;
    freeReplyObject(reply);

    return 0;
}


/*
 * Reads the state, on which all that follows is based.  0, or -1 after an error
 * message.
 */
static int
cli_erase_state(cli_erase_t *e)
{
    char         key[LL_KEY_MAX];
    uint64_t     seq = e->erase.seq;
    long long    head;
    const char  *property = e->erase.property;

    freeReplyObject(e->meta);

    args_lit(&e->args, "HMGET");
    args_copy(&e->args, key, ll_keys_property(key, LL_KEY_META, property,
                                              strlen(property)));
    args_lit(&e->args, "sealed");
    args_lit(&e->args, "erasures");
    args_lit(&e->args, "seq");

    e->meta = cli_redis_call(e->cli, &e->args);

    if (e->meta == NULL) {
        return -1;
    }

    if (conn_number(conn_element(e->meta, 2), &head) == -1) {
        return cli_fail("there is no property \"%s\"", property), -1;
    }

    if (head < 0 || seq > (uint64_t) head) {
        return cli_fail("property \"%s\" has no entry %llu", property,
                        (unsigned long long) seq), -1;
    }

    e->erase.sealed = cli_redis_text(e->meta, 0);
    e->erase.erasures = cli_redis_text(e->meta, 1);

    if (e->erase.erasures[0] == '\0') {
        e->erase.erasures = "0";
    }

    return 0;
}


/*
 * Reads the entry, or its segment if it is sealed: 0, or -1 after an error
 * message.
 */
static int
cli_erase_read(cli_erase_t *e)
{
    uint64_t   seq = e->erase.seq, first, last;
    unsigned   size;
    long long  sealed;

    first = last = seq;
    e->n = 0;

    if (sscanf(e->erase.sealed, "%lld %u", &sealed, &size) == 2
        && size > 0 && size <= LL_SEGMENT_MAX && sealed > 0
        && seq <= (uint64_t) sealed)
    {
        first = ll_segment_of(seq, size) * size + 1;
        last = first + size - 1;
        e->n = size;
    }

    entries_free(&e->entries);
    entries_init(&e->entries, cli_redis_property(e->cli, e->erase.property),
                 e->erase.property, first, last, 0);

    if (entries_ask(&e->entries) == -1
        || entries_take(&e->entries, conn_recv(e->cli->conn)) == -1)
    {
        return cli_fail("cannot read the entry: %s", conn_error(e->cli->conn)),
               -1;
    }

    return 0;
}


/* what is to be done with the entry that was read */
static cli_erase_step_e
cli_erase_look(cli_erase_t *e)
{
    size_t                 i;
    uint64_t               seq = e->erase.seq;
    const unsigned char   *before;
    const thread_entry_t  *entry;

    static const unsigned char  none[CHAIN_HASH];

    /* sealed meanwhile */

    if (e->entries.n != (e->n ? e->n : 1) || e->entries.block[0].seq > seq
        || seq - e->entries.block[0].seq >= e->entries.n)
    {
        return CLI_ERASE_CHANGED;
    }

    i = (size_t) (seq - e->entries.block[0].seq);
    entry = &e->entries.block[i];

    if (entry->kind == PACK_ERASED && entry->len > CLOCK_LEN + 2) {

        /* it ends with "erased_at":"TIME"} */

        (void) snprintf(e->erased_at, sizeof(e->erased_at), "%.*s", CLOCK_LEN,
                        entry->entry + entry->len - 2 - CLOCK_LEN);
        return CLI_ERASE_BEFORE;
    }

    if (entry->kind == PACK_LOST) {
        (void) cli_fail("entry %llu is missing in Redis, or its segment is "
                        "damaged", (unsigned long long) seq);
        return CLI_ERASE_FAILED;
    }

    if (entry->sender_len == 0) {
        (void) cli_fail("entry %llu is no message: only messages are erased",
                        (unsigned long long) seq);
        return CLI_ERASE_FAILED;
    }

    before = e->n ? e->entries.unpack->segment.before : NULL;

    if (before && memcmp(before, none, CHAIN_HASH) == 0) {
        before = NULL;
    }

    store_erase_free(&e->erase);

    if (store_erase_make(&e->erase, e->entries.block, i, e->n, before) == -1) {
        (void) cli_fail("entry %llu cannot be erased: it is damaged",
                        (unsigned long long) seq);
        return CLI_ERASE_FAILED;
    }

    return CLI_ERASE_READY;
}


/* replaces the entry by what was made */
static cli_erase_step_e
cli_erase_replace(cli_erase_t *e)
{
    int                   begin;
    redisReply           *reply;
    store_erase_result_e  result;

    begin = 1;

    do {
        store_erase_call(&e->args, &e->erase, begin);
        reply = cli_redis_call(e->cli, &e->args);

        if (reply == NULL) {
            return CLI_ERASE_FAILED;
        }

        result = store_erase_read(reply);
        freeReplyObject(reply);
        begin = 0;

    } while (result == STORE_ERASE_MORE);

    if (result == STORE_ERASE_BROKEN) {
        (void) cli_fail("Redis sent a malformed reply");
        return CLI_ERASE_FAILED;
    }

    return result == STORE_ERASE_DONE ? CLI_ERASE_READY : CLI_ERASE_CHANGED;
}


/* erases it, unless it was: 0, or -1 after an error message */
static int
cli_erase_entry(cli_erase_t *e)
{
    int               i;
    cli_erase_step_e  step;

    for (i = 0; i < CLI_ERASE_ATTEMPTS; i++) {

        if (cli_erase_state(e) == -1 || cli_erase_read(e) == -1) {
            return -1;
        }

        step = cli_erase_look(e);

        if (step == CLI_ERASE_READY) {

            if (!e->logged) {
                e->logged = 1;
                log_notice("erasing entry %llu of property \"%s\", "
                           "reason: \"%s\"", (unsigned long long) e->erase.seq,
                           e->erase.property, e->reason);
            }

            step = cli_erase_replace(e);

            if (step == CLI_ERASE_READY) {
                memcpy(e->erased_at, e->erase.erased_at, CLOCK_LEN + 1);
                return 0;
            }
        }

        if (step == CLI_ERASE_BEFORE) {
            e->before = 1;
            return 0;
        }

        if (step == CLI_ERASE_FAILED) {
            return -1;
        }
    }

    return cli_fail("the thread changes too often: try again"), -1;
}


/* 0, or -1 after an error message */
static int
cli_erase_badges(cli_erase_t *e)
{
    if (cli_badges_store_all(e->cli, &e->args, e->erase.property) == -1) {
        return cli_fail("the entry is erased, but not all inboxes are "
                        "updated: %s; repeat the command", e->cli->why), -1;
    }

    return 0;
}


static int
cli_erase_report(const cli_erase_t *e)
{
    int    rc;
    buf_t  buf = BUF_INIT;

    if (e->cli->json) {
        buf_lit(&buf, "{\"property\":");
        json_strings(&buf, e->erase.property);
        buf_lit(&buf, ",\"seq\":");
        buf_number(&buf, (int64_t) e->erase.seq);
        buf_lit(&buf, ",\"erased_at\":");
        json_strings(&buf, e->erased_at);
        buf_adds(&buf, e->before ? ",\"before\":true}"
                                 : ",\"before\":false}");

    } else {
        buf_lit(&buf, "entry ");
        buf_number(&buf, (int64_t) e->erase.seq);
        buf_adds(&buf, e->before ? " was erased before, at "
                                 : " is erased, at ");
        buf_adds(&buf, e->erased_at);
        buf_lit(&buf, "\nfiles that were written before still have the text: "
                      "have Redis write\nits append-only files anew "
                      "(BGREWRITEAOF), and delete older snapshots\n"
                      "and backups");
    }

    rc = cli_print(&buf);
    buf_free(&buf);

    return rc;
}


/* erases the message: 0, or -1 after an error message */
static int
cli_erase_run(cli_erase_t *e)
{
    return cli_erase_now(e) == 0 && cli_erase_entry(e) == 0
           && cli_erase_badges(e) == 0 ? 0 : -1;
}


static void
cli_erase_free(cli_erase_t *e)
{
    entries_free(&e->entries);
    store_erase_free(&e->erase);
    freeReplyObject(e->meta);
    args_free(&e->args);
}


int
cli_erase_message(cli_t *cli, const char *property, uint64_t seq,
    const char *reason)
{
    int          rc;
    cli_erase_t  e;

    memset(&e, 0, sizeof(cli_erase_t));

    e.cli = cli;
    e.reason = reason;
    e.erase.property = property;
    e.erase.seq = seq;

    rc = cli_erase_run(&e);
    cli_erase_free(&e);

    return rc;
}


int
cli_erase(cli_t *cli)
{
    int          rc;
    cli_erase_t  e;

    memset(&e, 0, sizeof(cli_erase_t));

    e.cli = cli;
    e.reason = cli->values[CLI_ERASE_REASON];
    e.erase.property = cli->args[0];

    rc = cli_erase_check(cli, &e.erase.seq);
    if (rc != CLI_OK) {
        return rc;
    }

    rc = cli_redis_connect(cli) == 0 && cli_erase_run(&e) == 0
         ? cli_erase_report(&e) : CLI_FAILED;

    cli_erase_free(&e);

    return rc;
}
