
/*
 * leaseloft forget: removes the name of a person from properties, and their
 * texts if that is wanted.
 *
 * A first pass over all properties finds those of the user, and fails if a
 * lease is active or pending.  In a second one, each is changed by functions
 * that change nothing the second time, so an interrupted command is repeated.
 */

#include <stdio.h>
#include <string.h>

#include "cli_badges.h"
#include "cli_dead.h"
#include "cli_erase.h"
#include "cli_forget.h"
#include "cli_redis.h"
#include "cli_revoke.h"
#include "clock.h"
#include "entries.h"
#include "fcall.h"
#include "json.h"


/* options, in the order of cli_commands.c */

enum {
    FORGET_TEXTS = 0,
    FORGET_REASON,
    FORGET_DRY_RUN
};

/* interval of progress messages */
#define FORGET_REPORT_MS  2000


typedef struct {
    cli_t       *cli;
    args_t       args;
    const char  *user;
    char         member[LL_ID_MAX + 3];    /* "m:USER" */
    int          dry;
    uint64_t     looked;                   /* at properties, in a pass */
    uint64_t     properties;               /* of the user */
    uint64_t     present;                  /* leases that are not over */
    uint64_t     messages;
    uint64_t     letters;
    int64_t      reported_at;
} cli_forget_t;


static void
cli_forget_progress(cli_forget_t *forget)
{
    int64_t  now;

    now = clock_monotonic();

    if (now - forget->reported_at >= FORGET_REPORT_MS) {
        forget->reported_at = now;
        (void) fprintf(stderr, "%llu properties looked at, %llu of them "
                       "theirs, %llu messages so far\n",
                       (unsigned long long) forget->looked,
                       (unsigned long long) forget->properties,
                       (unsigned long long) forget->messages);
    }
}


/* the state of the user's window, 0 if there never was one; or -1 */
static int
cli_forget_state(cli_forget_t *forget, const char *property)
{
    int          state;
    char         key[LL_KEY_MAX];
    redisReply  *record;

    args_lit(&forget->args, "HGET");
    args_copy(&forget->args, key, ll_keys_property(key, LL_KEY_META, property,
                                                   strlen(property)));
    args_adds(&forget->args, forget->member);

    record = cli_redis_call(forget->cli, &forget->args);

    if (record == NULL) {
        return -1;
    }

    state = record->type == REDIS_REPLY_STRING ? record->str[0] : 0;
    freeReplyObject(record);

    return state;
}


/* a cli_redis_each_pt, of the first pass */
static int
cli_forget_check(void *data, const char *property)
{
    int            state;
    cli_forget_t  *forget = data;

    state = cli_forget_state(forget, property);

    forget->looked++;
    cli_forget_progress(forget);

    if (state == 'o' || state == 'p') {
        forget->present++;
        (void) cli_fail("%s is on the %s lease of property %s: declare it "
                        "without them first", forget->user,
                        state == 'o' ? "active" : "pending", property);
    }

    return state == -1 ? -1 : 0;
}


/* counts, or erases, the messages of the user: 0, or -1 */
static int
cli_forget_texts(cli_forget_t *forget, const char *property)
{
    int              rc;
    size_t           len = strlen(forget->user);
    entries_t        entries;
    thread_entry_t   entry;

    entries_init(&entries, cli_redis_property(forget->cli, property), property,
                 1, UINT64_MAX / 2, 0);

    while ((rc = entries_next(&entries, &entry)) == 1) {

        if (entry.kind != PACK_ENTRY || entry.sender_len != len
            || memcmp(entry.sender, forget->user, len) != 0)
        {
            continue;
        }

        if (!forget->dry
            && cli_erase_message(forget->cli, property, entry.seq,
                                 forget->cli->values[FORGET_REASON])
               == -1)
        {
            entries_free(&entries);
            return -1;
        }

        forget->messages++;
        cli_forget_progress(forget);
    }

    entries_free(&entries);

    return rc == 0 ? 0 : (cli_fail("cannot read property %s: %s", property,
                                   conn_error(forget->cli->conn)), -1);
}


/* replaces the name, and updates inboxes: 0, or -1 */
static int
cli_forget_name(cli_forget_t *forget, const char *property)
{
    int          refused;
    char         channel[LL_KEY_MAX];
    args_t      *args = &forget->args;
    redisReply  *reply;

    fcall_property(args, "ll1_unname", property);
    args_adds(args, forget->user);
    args_copy(args, channel, ll_keys_property_channel(channel, property,
                                                      strlen(property)));

    reply = cli_redis_call(forget->cli, args);

    if (reply == NULL) {
        return -1;
    }

    refused = reply->integer == 2;
    freeReplyObject(reply);

    if (refused) {
        return cli_fail("%s has come onto a lease of property %s meanwhile",
                        forget->user, property), -1;
    }

    /* those of others show the parties, that of the user loses the thread */

    if (cli_badges_store_all(forget->cli, args, property) == -1) {
        return cli_fail("cannot update the inboxes of property %s: %s",
                        property, forget->cli->why), -1;
    }

    return 0;
}


/* a cli_redis_each_pt, of the second pass */
static int
cli_forget_property(void *data, const char *property)
{
    int            state;
    cli_forget_t  *forget = data;

    state = cli_forget_state(forget, property);

    forget->looked++;
    cli_forget_progress(forget);

    if (state <= 0) {
        return state;
    }

    if (forget->cli->values[FORGET_TEXTS]
        && cli_forget_texts(forget, property) != 0)
    {
        return -1;
    }

    if (!forget->dry && cli_forget_name(forget, property) != 0) {
        return -1;
    }

    forget->properties++;

    return 0;
}


/* counts, or deletes, a dead letter of the user; a cli_dead_each_pt */
static int
cli_forget_letter(cli_t *cli, unsigned k, const char *id,
    const redisReply *fields, void *data)
{
    char           name[LL_KEY_MAX];
    redisReply    *reply;
    cli_forget_t  *forget = data;

    if (strcmp(cli_dead_field(fields, "u"), forget->user) != 0) {
        return 0;
    }

    forget->letters++;

    if (forget->dry) {
        return 0;
    }

    args_lit(&forget->args, "XDEL");
    args_copy(&forget->args, name, ll_keys_dead(name, k));
    args_adds(&forget->args, id);

    reply = cli_redis_try(cli, &forget->args);

    if (reply == NULL) {
        return -1;
    }

    freeReplyObject(reply);

    return 0;
}


/* 0, or -1 after an error message */
static int
cli_forget_revoke(cli_forget_t *forget)
{
    redisReply  *reply;

    reply = cli_revoke_call(forget->cli, forget->user, CLI_REVOKE_TTL);

    if (reply == NULL) {
        return -1;
    }

    freeReplyObject(reply);

    return 0;
}


static int
cli_forget_print(const cli_forget_t *forget)
{
    int    rc;
    buf_t  buf = BUF_INIT;

    if (forget->cli->json) {
        buf_lit(&buf, "{\"user\":");
        json_strings(&buf, forget->user);
        buf_adds(&buf, forget->dry ? ",\"forgotten\":false"
                                   : ",\"forgotten\":true");
        buf_lit(&buf, ",\"properties\":");
        buf_number(&buf, (int64_t) forget->properties);
        buf_lit(&buf, ",\"erased\":");
        buf_number(&buf, (int64_t) forget->messages);
        buf_lit(&buf, ",\"dead_letters\":");
        buf_number(&buf, (int64_t) forget->letters);
        buf_lit(&buf, "}");

    } else {
        buf_adds(&buf, forget->user);
        buf_adds(&buf, forget->dry ? ": would be forgotten in "
                                   : ": forgotten in ");
        buf_number(&buf, (int64_t) forget->properties);
        buf_lit(&buf, " properties, ");
        buf_number(&buf, (int64_t) forget->messages);
        buf_lit(&buf, " messages erased, ");
        buf_number(&buf, (int64_t) forget->letters);
        buf_lit(&buf, " dead letters deleted\nleft: the id; the name in "
                      "\"joined\" and \"left\" entries and in messages that "
                      "are\nnot erased; backups, the append-only file until "
                      "it is rewritten, logs, and\nfiles that users saved");
    }

    rc = cli_print(&buf);
    buf_free(&buf);

    return rc;
}


static int
cli_forget_usage(cli_t *cli)
{
    if (cli_check_id(cli, "USER", cli->args[0]) != CLI_OK) {
        return CLI_USAGE;
    }

    if (!cli->values[FORGET_TEXTS] != !cli->values[FORGET_REASON]) {
        return cli_usage(cli, "--texts and --reason need each other");
    }

    return cli->values[FORGET_REASON]
           ? cli_erase_check_reason(cli, cli->values[FORGET_REASON]) : CLI_OK;
}


/* 0, or -1 after an error message */
static int
cli_forget_run(cli_forget_t *forget)
{
    cli_t  *cli = forget->cli;

    if (cli_redis_each(cli, 'p', "meta", cli_forget_check, forget) != 0
        || forget->present)
    {
        return -1;
    }

    forget->looked = 0;

    if (cli_redis_each(cli, 'p', "meta", cli_forget_property, forget) != 0
        || cli_dead_each(cli, cli_forget_letter, forget) != 0
        || (!forget->dry && cli_forget_revoke(forget) != 0))
    {
        return -1;
    }

    return cli_forget_print(forget) == CLI_OK ? 0 : -1;
}


int
cli_forget(cli_t *cli)
{
    int           rc;
    cli_forget_t  forget;

    memset(&forget, 0, sizeof(cli_forget_t));

    rc = cli_forget_usage(cli);
    if (rc != CLI_OK) {
        return rc;
    }

    forget.cli = cli;
    forget.user = cli->args[0];
    forget.dry = cli->values[FORGET_DRY_RUN] != NULL;
    forget.reported_at = clock_monotonic();

    (void) snprintf(forget.member, sizeof(forget.member), "m:%s", forget.user);

    rc = cli_redis_connect(cli) == 0 && cli_forget_run(&forget) == 0
         ? CLI_OK : CLI_FAILED;

    args_free(&forget.args);

    return rc;
}
