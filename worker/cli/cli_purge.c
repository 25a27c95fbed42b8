
/*
 * leaseloft purge: deletes a property and all that belongs to it.
 *
 * One function in Redis deletes the property, and stores who its members were.
 * Then the thread is removed from their inboxes, and the due time and the dead
 * letters are deleted.  If the command dies, it is repeated: the members are
 * stored until the end.
 */

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli_dead.h"
#include "cli_purge.h"
#include "cli_redis.h"
#include "clock.h"
#include "fcall.h"
#include "json.h"


/* options, in the order of cli_commands.c */

enum {
    PURGE_DRY_RUN = 0
};

/* buckets of sent ids that may exist: they expire 60 days after they began */
#define PURGE_BUCKETS    4
#define PURGE_BUCKET_MS  (30 * 86400000LL)

/*
 * a worker that had just stored a message may update inboxes a little later:
 * they are looked at twice, with this time between, in ms
 */
#define PURGE_LATER      1000

/* interval of progress messages */
#define PURGE_REPORT_MS  2000


typedef struct {
    cli_t        *cli;
    args_t        args;
    const char   *property;
    int           dry;
    long long     entries;
    redisReply   *users;           /* members, perhaps of an earlier run */
    uint64_t      inboxes;         /* that had the thread */
    uint64_t      letters;
    int64_t       reported_at;
} cli_purge_t;


static void
cli_purge_key(cli_purge_t *purge, ll_property_key_e key)
{
    char  name[LL_KEY_MAX];

    args_copy(&purge->args, name, ll_keys_property(name, key, purge->property,
                                                   strlen(purge->property)));
}


/* HEXISTS … or HDEL …: the integer that a command returns, or -1 */
static long long
cli_purge_integer(cli_purge_t *purge)
{
    long long    n;
    redisReply  *reply;

    reply = cli_redis_call(purge->cli, &purge->args);

    if (reply == NULL) {
        return -1;
    }

    n = reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
    freeReplyObject(reply);

    return n;
}


/* reads what there is: 0, or -1 after an error message */
static int
cli_purge_look(cli_purge_t *purge)
{
    char         name[LL_KEY_MAX];
    redisReply  *seq;

    args_lit(&purge->args, "HGET");
    cli_purge_key(purge, LL_KEY_META);
    args_lit(&purge->args, "seq");

    seq = cli_redis_call(purge->cli, &purge->args);

    if (seq == NULL) {
        return -1;
    }

    purge->entries = -1;
    (void) conn_number(seq, &purge->entries);
    freeReplyObject(seq);

    if (purge->entries >= 0) {
        fcall_property(&purge->args, "ll1_badges", purge->property);

    } else {
        args_lit(&purge->args, "SMEMBERS");
        args_copy(&purge->args, name, ll_keys_purge(name, purge->property,
                                                    strlen(purge->property)));
    }

    purge->users = cli_redis_call(purge->cli, &purge->args);

    if (purge->users == NULL) {
        return -1;
    }

    if (purge->entries < 0 && purge->users->elements == 0) {
        return cli_fail("there is no property \"%s\"", purge->property), -1;
    }

    return 0;
}


/* deletes its keys; purge->users are its members.  0, or -1 */
static int
cli_purge_property(cli_purge_t *purge)
{
    int          i;
    char         name[LL_KEY_MAX];
    long long    bucket;
    args_t      *args = &purge->args;
    const char  *property = purge->property;
    size_t       len = strlen(property);

    freeReplyObject(purge->users);

    fcall_begin(args, "ll1_purge", LL_PROPERTY_KEYS + 1 + PURGE_BUCKETS);
    fcall_property_keys(args, property, len);
    args_copy(args, name, ll_keys_purge(name, property, len));

    /* clocks may differ: one bucket more */

    bucket = (long long) time(NULL) * 1000 / PURGE_BUCKET_MS + 1;

    for (i = 0; i < PURGE_BUCKETS; i++) {
        args_copy(args, name, ll_keys_sent(name, property, len,
                                           (uint64_t) (bucket - i)));
    }

    args_copy(args, name, ll_keys_property_channel(name, property, len));

    purge->users = cli_redis_call(purge->cli, args);

    return purge->users ? 0 : -1;
}


/* removes the thread from an inbox: 1 if it was there, 0, or -1 */
static int
cli_purge_inbox(cli_purge_t *purge, const char *user)
{
    char         name[LL_KEY_MAX];
    int          found;
    size_t       len;
    args_t      *args = &purge->args;
    redisReply  *thread;

    if (!ll_id_valid(user, strlen(user))) {
        return 0;
    }

    len = strlen(user);

    args_lit(args, "HGET");
    args_copy(args, name, ll_keys_user(name, LL_KEY_USER_INBOX, user, len));
    args_adds(args, purge->property);

    thread = cli_redis_call(purge->cli, args);

    if (thread == NULL) {
        return -1;
    }

    found = thread->type == REDIS_REPLY_STRING;

    if (found) {
        fcall_user(args, "ll1_forget", user);
        args_adds(args, purge->property);
        args_add(args, thread->str, thread->len);

        if (cli_purge_integer(purge) == -1) {
            found = -1;

        } else {
            fcall_user(args, "ll1_total", user);
            args_copy(args, name, ll_keys_user_channel(name, user, len));
            found = cli_purge_integer(purge) == -1 ? -1 : 1;
        }
    }

    freeReplyObject(thread);

    return found;
}


static void
cli_purge_progress(cli_purge_t *purge, size_t done)
{
    int64_t  now;

    now = clock_monotonic();

    if (now - purge->reported_at >= PURGE_REPORT_MS) {
        purge->reported_at = now;
        (void) fprintf(stderr, "%zu of %zu inboxes so far\n", done,
                       purge->users->elements);
    }
}


/* 0, or -1 after an error message */
static int
cli_purge_inboxes(cli_purge_t *purge)
{
    int     found;
    size_t  i;

    for (i = 0; i < purge->users->elements; i++) {
        cli_purge_progress(purge, i);
        found = cli_purge_inbox(purge, cli_redis_text(purge->users, i));

        if (found == -1) {
            return -1;
        }

        purge->inboxes += (uint64_t) found;
    }

    return 0;
}


/* counts, or deletes, a dead letter of the property; a cli_dead_each_pt */
static int
cli_purge_letter(cli_t *cli, unsigned k, const char *id,
    const redisReply *fields, void *data)
{
    char          name[LL_KEY_MAX];
    cli_purge_t  *purge = data;

    if (strcmp(cli_dead_field(fields, "p"), purge->property) != 0) {
        return 0;
    }

    purge->letters++;

    if (purge->dry) {
        return 0;
    }

    args_lit(&purge->args, "XDEL");
    args_copy(&purge->args, name, ll_keys_dead(name, k));
    args_adds(&purge->args, id);

    (void) cli;

    return cli_purge_integer(purge) == -1 ? -1 : 0;
}


/* 0, or -1 after an error message */
static int
cli_purge_run(cli_purge_t *purge)
{
    char             name[LL_KEY_MAX];
    args_t          *args = &purge->args;
    unsigned         k;
    struct timespec  later = { PURGE_LATER / 1000,
                               PURGE_LATER % 1000 * 1000000L };

    if (cli_purge_property(purge) != 0 || cli_purge_inboxes(purge) != 0) {
        return -1;
    }

    /* without a cluster there is one list, and k is ignored */

    k = ll_slots_due(purge->property, strlen(purge->property));

    args_lit(args, "ZREM");
    args_copy(args, name, ll_keys_due(name, k));
    args_adds(args, purge->property);

    if (cli_purge_integer(purge) == -1) {
        return -1;
    }

    args_lit(args, "HDEL");
    args_copy(args, name, ll_keys_due_vers(name, k));
    args_adds(args, purge->property);

    if (cli_purge_integer(purge) == -1
        || cli_dead_each(purge->cli, cli_purge_letter, purge) != 0)
    {
        return -1;
    }

    (void) nanosleep(&later, NULL);

    if (cli_purge_inboxes(purge) != 0) {
        return -1;
    }

    args_lit(args, "DEL");
    args_copy(args, name, ll_keys_purge(name, purge->property,
                                        strlen(purge->property)));

    return cli_purge_integer(purge) == -1 ? -1 : 0;
}


static int
cli_purge_print(const cli_purge_t *purge, size_t users)
{
    int    rc;
    buf_t  buf = BUF_INIT;

    if (purge->cli->json) {
        buf_lit(&buf, "{\"property\":");
        json_strings(&buf, purge->property);
        buf_lit(&buf, ",\"purged\":");
        buf_adds(&buf, purge->dry ? "false" : "true");
        buf_lit(&buf, ",\"entries\":");
        buf_number(&buf, purge->entries > 0 ? purge->entries : 0);
        buf_lit(&buf, ",\"users\":");
        buf_number(&buf, (int64_t) users);
        buf_lit(&buf, ",\"dead_letters\":");
        buf_number(&buf, (int64_t) purge->letters);
        buf_lit(&buf, "}");

    } else {
        buf_adds(&buf, purge->property);
        buf_adds(&buf, purge->dry ? ": would delete " : ": deleted ");
        buf_number(&buf, purge->entries > 0 ? purge->entries : 0);
        buf_lit(&buf, " entries, the thread of ");
        buf_number(&buf, (int64_t) users);
        buf_lit(&buf, " users, ");
        buf_number(&buf, (int64_t) purge->letters);
        buf_lit(&buf, " dead letters\nleft: backups, the append-only file "
                      "until it is rewritten, logs, and files that users "
                      "saved");
    }

    rc = cli_print(&buf);
    buf_free(&buf);

    return rc;
}


int
cli_purge(cli_t *cli)
{
    int          rc;
    size_t       users;
    cli_purge_t  purge;

    memset(&purge, 0, sizeof(cli_purge_t));

    purge.cli = cli;
    purge.property = cli->args[0];
    purge.dry = cli->values[PURGE_DRY_RUN] != NULL;
    purge.reported_at = clock_monotonic();

    if (cli_check_id(cli, "PROPERTY", purge.property) != CLI_OK) {
        return CLI_USAGE;
    }

    if (cli_redis_connect(cli) != 0) {
        return CLI_FAILED;
    }

    rc = cli_purge_look(&purge);
    users = 0;

    if (rc == 0 && purge.dry) {

        /* { ver, user, unread, at, shown, … } */

        users = purge.entries >= 0 ? purge.users->elements / 4
                                   : purge.users->elements;
        rc = cli_dead_each(cli, cli_purge_letter, &purge);

    } else if (rc == 0) {
        rc = cli_purge_run(&purge);
        users = rc == 0 ? purge.users->elements : 0;
    }

    if (rc == 0) {
        rc = cli_purge_print(&purge, users) == CLI_OK ? 0 : -1;
    }

    freeReplyObject(purge.users);
    args_free(&purge.args);

    return rc == 0 ? CLI_OK : CLI_FAILED;
}
