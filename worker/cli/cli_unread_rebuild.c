
/*
 * leaseloft unread rebuild: recomputes all unread counts from the threads and
 * the read marks.
 *
 * For each member of each property, one function counts the unread messages of
 * the thread, and another stores the count in the member's inbox with the
 * version of the property at which it was counted; a change that a worker makes
 * meanwhile has a later version and wins.  Then threads whose property does not
 * exist are removed from each inbox, and the totals are recomputed.  Damaged
 * data is reported and skipped.
 */

#include <stdio.h>
#include <string.h>

#include "cli_redis.h"
#include "cli_unread_rebuild.h"
#include "clock.h"
#include "json.h"
#include "store.h"


/* interval of progress messages */
#define REBUILD_REPORT_MS  2000


typedef struct {
    cli_t     *cli;
    args_t     args;
    uint64_t   threads;
    uint64_t   users;
    uint64_t   repaired;
    uint64_t   removed;
    uint64_t   ndamaged;
    buf_t      damaged;            /* as JSON */
    int64_t    reported_at;
} rebuild_t;


static void
cli_unread_rebuild_progress(rebuild_t *rebuild)
{
    int64_t  now;

    now = clock_monotonic();

    if (now - rebuild->reported_at >= REBUILD_REPORT_MS) {
        rebuild->reported_at = now;
        (void) fprintf(stderr, "%llu threads, %llu users so far\n",
                       (unsigned long long) rebuild->threads,
                       (unsigned long long) rebuild->users);
    }
}


/*
 * Reports a failure, with its reason in cli->why, for a property, a user or
 * both.  0 if the rebuild can continue, else -1.
 */
static int
cli_unread_rebuild_failed(rebuild_t *rebuild, const char *property,
    const char *user)
{
    buf_t  *out = &rebuild->damaged;
    cli_t  *cli = rebuild->cli;

    if (!cli_redis_can_continue(cli)) {
        return cli_fail("%s", cli->why), -1;
    }

    (void) cli_fail("%s%s%s%s%s: %s", property ? "property " : "",
                    property ? property : "", property && user ? ", " : "",
                    user ? "user " : "", user ? user : "", cli->why);

    buf_adds(out, rebuild->ndamaged++ ? ",{\"property\":" : "{\"property\":");

    if (property) {
        json_strings(out, property);
    } else {
        buf_lit(out, "null");
    }

    buf_lit(out, ",\"user\":");

    if (user) {
        json_strings(out, user);
    } else {
        buf_lit(out, "null");
    }

    buf_lit(out, ",\"detail\":");
    json_strings(out, cli->why);
    buf_lit(out, "}");

    return 0;
}


/* sets cli->why for a malformed reply; returns -1 */
static int
cli_unread_rebuild_malformed(rebuild_t *rebuild)
{
    (void) snprintf(rebuild->cli->why, sizeof(rebuild->cli->why),
                    "cannot be counted");
    return -1;
}


/* stores a count in its user's inbox; 0, or -1 with cli->why */
static int
cli_unread_rebuild_badge(rebuild_t *rebuild, const char *property,
    const redisReply *counted)
{
    char         channel[LL_KEY_MAX];
    args_t      *args = &rebuild->args;
    long long    ver, unread;
    redisReply  *reply;
    const char  *user;

    user = cli_redis_text(counted, 1);

    if (conn_number(conn_element(counted, 0), &ver) != 0
        || conn_number(conn_element(counted, 2), &unread) != 0
        || !ll_id_valid(user, strlen(user)))
    {
        return cli_unread_rebuild_malformed(rebuild);
    }

    (void) ll_keys_user_channel(channel, user, strlen(user));

    cli_redis_user_call(args, "badge", user);
    args_adds(args, property);
    args_number(args, ver);
    args_number(args, unread);
    args_adds(args, cli_redis_text(counted, 3));
    args_adds(args, cli_redis_text(counted, 4));
    args_copy(args, channel, strlen(channel));
    args_lit(args, "1");

    reply = cli_redis_try(rebuild->cli, args);

    if (reply == NULL) {
        return -1;
    }

    rebuild->repaired += reply->integer == 1;
    freeReplyObject(reply);

    return 0;
}


/*
 * Counts the messages of others in (after, to], in commands of bounded length.
 * -1 with cli->why after a failure.
 */
static long long
cli_unread_rebuild_count(rebuild_t *rebuild, const char *property,
    const char *user, long long after, long long to)
{
    args_t      *args = &rebuild->args;
    long long    n, some, seq;
    redisReply  *reply;

    n = 0;

    while (after < to) {
        cli_redis_property_call(args, "count", property);
        args_adds(args, user);
        args_number(args, after);
        args_number(args, to - after < STORE_COUNT ? to - after : STORE_COUNT);

        reply = cli_redis_try(rebuild->cli, args);

        if (reply == NULL) {
            return -1;
        }

        if (conn_number(conn_element(reply, 1), &seq) != 0 || seq <= after
            || conn_number(conn_element(reply, 2), &some) != 0)
        {
            freeReplyObject(reply);
            return cli_unread_rebuild_malformed(rebuild);
        }

        freeReplyObject(reply);

        after = seq;
        n += some;
    }

    return n;
}


/*
 * Recounts one member.  Counting blocks Redis, so that for a long thread the
 * function returns the range to be counted first.
 */
static int
cli_unread_rebuild_member(rebuild_t *rebuild, const char *property,
    const char *user)
{
    int          rc;
    char         channel[LL_KEY_MAX];
    args_t      *args = &rebuild->args;
    long long    first, from, last, some, after, to, n;
    redisReply  *reply;

    (void) ll_keys_property_channel(channel, property, strlen(property));

    after = to = n = -1;

    for ( ;; ) {
        cli_redis_property_call(args, "recount", property);
        args_adds(args, property);
        args_adds(args, channel);
        args_adds(args, user);
        args_number(args, STORE_COUNT);

        if (n >= 0) {
            args_number(args, after);
            args_number(args, to);
            args_number(args, n);
        }

        reply = cli_redis_try(rebuild->cli, args);

        if (reply == NULL) {
            return -1;
        }

        if (conn_number(conn_element(reply, 0), &first) != 0 || first != -1
            || conn_number(conn_element(reply, 1), &from) != 0
            || conn_number(conn_element(reply, 2), &last) != 0)
        {
            rc = cli_unread_rebuild_badge(rebuild, property, reply);
            freeReplyObject(reply);
            return rc;
        }

        freeReplyObject(reply);

        /* start again if the user has read more meanwhile */

        if (from != after) {
            after = to = from;
            n = 0;
        }

        some = cli_unread_rebuild_count(rebuild, property, user, to, last);
        if (some == -1) {
            return -1;
        }

        to = last;
        n += some;
    }
}


static int
cli_unread_rebuild_property(void *data, const char *property)
{
    int          rc;
    size_t       i;
    rebuild_t   *rebuild = data;
    redisReply  *users;
    const char  *user;

    cli_redis_property_call(&rebuild->args, "members", property);
    users = cli_redis_try(rebuild->cli, &rebuild->args);

    if (users == NULL) {
        return cli_unread_rebuild_failed(rebuild, property, NULL);
    }

    rc = 0;

    for (i = 0; rc == 0 && i < users->elements; i++) {
        user = cli_redis_text(users, i);

        if (cli_unread_rebuild_member(rebuild, property, user) != 0) {
            rc = cli_unread_rebuild_failed(rebuild, property, user);
        }
    }

    freeReplyObject(users);

    rebuild->threads++;
    cli_unread_rebuild_progress(rebuild);

    return rc;
}


/*
 * Removes a thread of an inbox, [":PROPERTY", HEAD], if the property does not
 * exist or has never had this user.  A thread that is added meanwhile has
 * another head and is not removed.  0, or -1 with cli->why.
 */
static int
cli_unread_rebuild_thread(rebuild_t *rebuild, const char *user,
    const redisReply *name, const redisReply *head)
{
    int          known;
    char         key[LL_KEY_MAX], member[LL_ID_MAX + 3];
    args_t      *args = &rebuild->args;
    redisReply  *reply;
    const char  *property;

    if (name->type != REDIS_REPLY_STRING || name->str[0] != ':'
        || !ll_id_valid(name->str + 1, (size_t) name->len - 1)
        || head->type != REDIS_REPLY_STRING)
    {
        return 0;
    }

    property = name->str + 1;

    (void) snprintf(member, sizeof(member), "m:%s", user);

    args_lit(args, "HEXISTS");
    args_copy(args, key, ll_keys_property(key, LL_KEY_META, property,
                                          strlen(property)));
    args_adds(args, member);

    reply = cli_redis_try(rebuild->cli, args);

    if (reply == NULL) {
        /* otherwise reported already */
        return cli_redis_can_continue(rebuild->cli) ? 0 : -1;
    }

    known = reply->integer != 0;
    freeReplyObject(reply);

    if (known) {
        return 0;
    }

    cli_redis_user_call(args, "forget", user);
    args_adds(args, property);
    args_add(args, head->str, (size_t) head->len);

    reply = cli_redis_try(rebuild->cli, args);

    if (reply == NULL) {
        return -1;
    }

    rebuild->removed += reply->integer == 1;
    freeReplyObject(reply);

    return 0;
}


/* 0, or -1 with cli->why */
static int
cli_unread_rebuild_inbox(rebuild_t *rebuild, const char *user)
{
    int          rc;
    char         key[LL_KEY_MAX];
    size_t       i;
    args_t      *args = &rebuild->args;
    redisReply  *fields;

    args_lit(args, "HGETALL");
    args_copy(args, key, ll_keys_user(key, LL_KEY_USER_INBOX, user,
                                      strlen(user)));

    fields = cli_redis_try(rebuild->cli, args);

    if (fields == NULL) {
        return -1;
    }

    rc = 0;

    for (i = 0; rc == 0 && i + 1 < fields->elements; i += 2) {
        rc = cli_unread_rebuild_thread(rebuild, user, fields->element[i],
                                       fields->element[i + 1]);
    }

    freeReplyObject(fields);

    return rc;
}


static int
cli_unread_rebuild_user(void *data, const char *user)
{
    char         channel[LL_KEY_MAX];
    rebuild_t   *rebuild = data;
    redisReply  *reply;

    if (cli_unread_rebuild_inbox(rebuild, user) != 0) {
        return cli_unread_rebuild_failed(rebuild, NULL, user);
    }

    (void) ll_keys_user_channel(channel, user, strlen(user));

    cli_redis_user_call(&rebuild->args, "total", user);
    args_adds(&rebuild->args, channel);

    reply = cli_redis_try(rebuild->cli, &rebuild->args);

    if (reply == NULL) {
        return cli_unread_rebuild_failed(rebuild, NULL, user);
    }

    freeReplyObject(reply);

    rebuild->users++;
    cli_unread_rebuild_progress(rebuild);

    return 0;
}


static int
cli_unread_rebuild_report(const rebuild_t *rebuild)
{
    int    rc;
    buf_t  buf = BUF_INIT;

    if (rebuild->cli->json) {
        buf_lit(&buf, "{\"threads\":");
        buf_number(&buf, (int64_t) rebuild->threads);
        buf_lit(&buf, ",\"users\":");
        buf_number(&buf, (int64_t) rebuild->users);
        buf_lit(&buf, ",\"repaired\":");
        buf_number(&buf, (int64_t) rebuild->repaired);
        buf_lit(&buf, ",\"removed\":");
        buf_number(&buf, (int64_t) rebuild->removed);
        buf_lit(&buf, ",\"damaged\":[");
        buf_add(&buf, rebuild->damaged.data, rebuild->damaged.len);
        buf_lit(&buf, "]}");

    } else {
        buf_number(&buf, (int64_t) rebuild->threads);
        buf_lit(&buf, " threads, ");
        buf_number(&buf, (int64_t) rebuild->users);
        buf_lit(&buf, " users, ");
        buf_number(&buf, (int64_t) rebuild->repaired);
        buf_lit(&buf, " inbox threads repaired, ");
        buf_number(&buf, (int64_t) rebuild->removed);
        buf_lit(&buf, " removed, ");
        buf_number(&buf, (int64_t) rebuild->ndamaged);
        buf_lit(&buf, " damaged");
    }

    rc = cli_print(&buf);
    buf_free(&buf);

    return rc;
}


int
cli_unread_rebuild(cli_t *cli)
{
    int        rc;
    rebuild_t  rebuild;

    memset(&rebuild, 0, sizeof(rebuild_t));

    rebuild.cli = cli;
    rebuild.reported_at = clock_monotonic();

    if (cli_redis_connect(cli) != 0) {
        return CLI_FAILED;
    }

    rc = cli_redis_each(cli, 'p', "meta", cli_unread_rebuild_property,
                        &rebuild);

    if (rc == 0) {
        rc = cli_redis_each(cli, 'u', "inbox", cli_unread_rebuild_user,
                            &rebuild);
    }

    args_free(&rebuild.args);

    if (cli_unread_rebuild_report(&rebuild) != CLI_OK || rebuild.ndamaged) {
        rc = -1;
    }

    buf_free(&rebuild.damaged);

    return rc == 0 ? CLI_OK : CLI_FAILED;
}
