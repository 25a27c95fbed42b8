
/*
 * leaseloft unread rebuild: recomputes all unread counts from the threads and
 * the read marks, and from the properties the inboxes and due times.
 *
 * For each property the messages are counted (cli_unread_count.h).  Then the
 * inbox of each member is given the thread as of the version of the property; a
 * change that a worker makes meanwhile has a later version and wins.  Then
 * threads whose property does not exist are removed from each inbox, those of a
 * version that the property has lost are given the present one, and the totals
 * are recomputed.  Damaged data is reported and skipped.
 *
 * In a cluster, a property and an inbox are on different primaries.  After a
 * restore of copies of different moments, or after a replica was promoted that
 * lacked something, the inbox may be newer.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_badges.h"
#include "cli_due.h"
#include "cli_redis.h"
#include "cli_segments.h"
#include "cli_unread_count.h"
#include "cli_unread_rebuild.h"
#include "clock.h"
#include "fcall.h"
#include "json.h"


/* interval of progress messages */
#define REBUILD_REPORT_MS  2000


typedef struct {
    cli_t     *cli;
    args_t     args;
    uint64_t   threads;
    uint64_t   users;
    uint64_t   repaired;
    uint64_t   removed;
    uint64_t   due;
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


static int
cli_unread_rebuild_segment(void *data, const char *property)
{
    return cli_unread_rebuild_failed(data, property, NULL);
}


static int
cli_unread_rebuild_property(void *data, const char *property)
{
    int          rc, changed;
    size_t       i;
    rebuild_t   *rebuild = data;
    redisReply  *badges;
    const char  *user;

    if (cli_unread_count(rebuild->cli, property) == -1
        || cli_segments_check(rebuild->cli, property,
                              cli_unread_rebuild_segment, rebuild) == -1)
    {
        return cli_unread_rebuild_failed(rebuild, property, NULL);
    }

    changed = cli_due_repair(rebuild->cli, &rebuild->args, property);

    if (changed == -1) {
        return cli_unread_rebuild_failed(rebuild, property, NULL);
    }

    rebuild->due += (uint64_t) changed;

    badges = cli_badges(rebuild->cli, &rebuild->args, property, NULL);

    if (badges == NULL) {
        return cli_unread_rebuild_failed(rebuild, property, NULL);
    }

    rc = 0;

    for (i = 1; rc == 0 && i + 3 < badges->elements; i += 4) {
        user = cli_redis_text(badges, i);

        if (!ll_id_valid(user, strlen(user))) {
            continue;
        }

        changed = cli_badges_store(rebuild->cli, &rebuild->args, property,
                                   badges, i, -1);

        if (changed == -1) {
            rc = cli_unread_rebuild_failed(rebuild, property, user);
        } else {
            rebuild->repaired += (uint64_t) changed;
        }
    }

    freeReplyObject(badges);

    rebuild->threads++;
    cli_unread_rebuild_progress(rebuild);

    return rc;
}


/*
 * Replaces a thread of an inbox that is as of a version which the property has
 * lost.  Until then workers find it too new to be replaced, so what they have
 * written to the property meanwhile is added by a second pass.  0, or -1 with
 * cli->why.
 */
static int
cli_unread_rebuild_lost(rebuild_t *rebuild, const char *user,
    const char *property, long long ver)
{
    int          changed, pass;
    redisReply  *badges;

    changed = 0;

    for (pass = 0; pass < 2 && changed != -1; pass++) {
        badges = cli_badges(rebuild->cli, &rebuild->args, property, user);

        if (badges == NULL) {
            return -1;
        }

        if (badges->elements == 5) {
            changed = cli_badges_store(rebuild->cli, &rebuild->args, property,
                                       badges, 1, pass == 0 ? ver : -1);
        }

        freeReplyObject(badges);

        rebuild->repaired += pass == 0 && changed == 1;
    }

    return changed == -1 ? -1 : 0;
}


/* removes a thread of an inbox if it is still that one: 0, or -1 */
static int
cli_unread_rebuild_remove(rebuild_t *rebuild, const char *user,
    const char *property, const redisReply *thread)
{
    args_t      *args = &rebuild->args;
    redisReply  *reply;

    fcall_user(args, "ll1_forget", user);
    args_adds(args, property);
    args_add(args, thread->str, (size_t) thread->len);

    reply = cli_redis_try(rebuild->cli, args);

    if (reply == NULL) {
        return -1;
    }

    rebuild->removed += reply->integer == 1;
    freeReplyObject(reply);

    return 0;
}


/*
 * Removes a thread of an inbox, [PROPERTY, THREAD], if the property does not
 * exist or has never had this user; a thread that is added meanwhile is another
 * text.  Replaces it if its version, which begins the text, is later than that
 * of the property, which is read after it.  0, or -1 with cli->why.
 */
static int
cli_unread_rebuild_thread(rebuild_t *rebuild, const char *user,
    const redisReply *name, const redisReply *thread)
{
    int          known;
    char         key[LL_KEY_MAX], member[LL_ID_MAX + 3];
    args_t      *args = &rebuild->args;
    long long    ver, held;
    redisReply  *reply;
    const char  *property;

    if (name->type != REDIS_REPLY_STRING || !ll_id_valid(name->str, name->len)
        || thread->type != REDIS_REPLY_STRING)
    {
        return 0;
    }

    property = name->str;

    (void) snprintf(member, sizeof(member), "m:%s", user);

    args_lit(args, "HMGET");
    args_copy(args, key, ll_keys_property(key, LL_KEY_META, property,
                                          strlen(property)));
    args_adds(args, member);
    args_lit(args, "ver");

    reply = cli_redis_try(rebuild->cli, args);

    if (reply == NULL) {
        /* otherwise reported already */
        return cli_redis_can_continue(rebuild->cli) ? 0 : -1;
    }

    known = cli_redis_text(reply, 0)[0] != '\0';

    if (conn_number(conn_element(reply, 1), &ver) != 0) {
        ver = 0;
    }

    freeReplyObject(reply);

    if (!known) {
        return cli_unread_rebuild_remove(rebuild, user, property, thread);
    }

    held = strtoll(thread->str, NULL, 10);

    return held > ver ? cli_unread_rebuild_lost(rebuild, user, property, held)
                      : 0;
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

    fcall_user(&rebuild->args, "ll1_total", user);
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
        buf_lit(&buf, ",\"due\":");
        buf_number(&buf, (int64_t) rebuild->due);
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

        if (rebuild->due) {
            buf_lit(&buf, ", ");
            buf_number(&buf, (int64_t) rebuild->due);
            buf_lit(&buf, " due times repaired");
        }
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
