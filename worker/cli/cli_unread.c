
/*
 * leaseloft unread, unread rebuild
 *
 * A rebuild goes through all properties: for each member, one function counts
 * what is unread in the thread, and another puts the result into the member's
 * inbox under the version of the property that it was counted at, so that
 * what a worker does meanwhile, which has a later version, wins.  Then each
 * user's total is added up.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "clock.h"
#include "json.h"
#include "store.h"


#define UNREAD_PAGE    200
#define UNREAD_SAY_MS  2000


/* --- one user --- */

/* a thread of the inbox, as JSON or as a line of text */

static void
unread_thread(const cli_t *cli, buf_t *buf, const char *thread, size_t len,
    int first)
{
    cJSON        *tree;
    const char   *why, *property, *label;
    const cJSON  *unread;

    tree = json_parse(thread, len, &why);
    property = cJSON_GetStringValue(
                   cJSON_GetObjectItemCaseSensitive(tree, "property"));
    label = cJSON_GetStringValue(
                cJSON_GetObjectItemCaseSensitive(tree, "label"));
    unread = cJSON_GetObjectItemCaseSensitive(tree, "unread");

    if (property == NULL || label == NULL || !cJSON_IsNumber(unread)) {
        cJSON_Delete(tree);
        return;
    }

    if (cli->json) {
        buf_adds(buf, first ? "{\"property\":" : ",{\"property\":");
        json_strings(buf, property);
        buf_lit(buf, ",\"label\":");
        json_strings(buf, label);
        buf_lit(buf, ",\"unread\":");
        buf_number(buf, (int64_t) unread->valuedouble);
        buf_lit(buf, "}");

    } else {
        buf_number(buf, (int64_t) unread->valuedouble);
        buf_lit(buf, "\t");
        buf_adds(buf, property);
        buf_lit(buf, "\t");
        buf_adds(buf, label);
        buf_lit(buf, "\n");
    }

    cJSON_Delete(tree);
}


/*
 * The page of the inbox after the place, which is set to that of the next one,
 * "" at the end: 0, or -1 having said why
 */

static int
unread_page(cli_t *cli, buf_t *buf, char *place, size_t size,
    long long *total, size_t *n)
{
    char              *dot;
    size_t             i;
    args_t             args = ARGS_INIT;
    redisReply        *reply;
    const redisReply  *list;

    cli_user_call(&args, "inbox", cli->args[0]);
    args_number(&args, UNREAD_PAGE);

    dot = strchr(place, '.');
    args_copy(&args, place, dot ? (size_t) (dot - place) : 0);
    args_adds(&args, dot ? dot + 1 : "");

    reply = cli_call(cli, &args);
    args_free(&args);

    if (reply == NULL) {
        return -1;
    }

    list = conn_element(reply, 3);

    if (list == NULL || conn_number(conn_element(reply, 1), total) != 0) {
        freeReplyObject(reply);
        return cli_fail("the inbox cannot be read"), -1;
    }

    (void) snprintf(place, size, "%s", cli_text(reply, 2));

    for (i = 0; i < list->elements; i++) {
        unread_thread(cli, buf, cli_text(list, i),
                      strlen(cli_text(list, i)), (*n)++ == 0);
    }

    freeReplyObject(reply);

    return 0;
}


int
cli_unread(cli_t *cli)
{
    int        rc;
    char       place[LL_ID_MAX + 32] = "";
    buf_t      threads = BUF_INIT, out = BUF_INIT;
    size_t     n;
    long long  total;

    if (cli_check_id(cli, "USER", cli->args[0]) != CLI_OK) {
        return CLI_USAGE;
    }

    rc = cli_connect(cli);
    total = 0;
    n = 0;

    if (rc == 0) {
        do {
            rc = unread_page(cli, &threads, place, sizeof(place), &total, &n);
        } while (rc == 0 && place[0]);
    }

    if (rc != 0) {
        buf_free(&threads);
        return CLI_FAILED;
    }

    if (cli->json) {
        buf_lit(&out, "{\"user\":");
        json_strings(&out, cli->args[0]);
        buf_lit(&out, ",\"total_unread\":");
        buf_number(&out, total);
        buf_lit(&out, ",\"threads\":[");
        buf_add(&out, threads.data, threads.len);
        buf_lit(&out, "]}");

    } else {
        buf_add(&out, threads.data, threads.len);
        buf_number(&out, total);
        buf_lit(&out, "\ttotal");
    }

    rc = cli_print(&out);

    buf_free(&threads);
    buf_free(&out);

    return rc;
}


/* --- everybody --- */

typedef struct {
    cli_t     *cli;
    args_t     args;
    uint64_t   threads;
    uint64_t   users;
    uint64_t   mended;
    int64_t    said_at;
} rebuild_t;


static void
rebuild_progress(rebuild_t *rebuild)
{
    int64_t  now;

    now = clock_monotonic();

    if (now - rebuild->said_at >= UNREAD_SAY_MS) {
        rebuild->said_at = now;
        (void) fprintf(stderr, "%llu threads, %llu users so far\n",
                       (unsigned long long) rebuild->threads,
                       (unsigned long long) rebuild->users);
    }
}


/* puts what was counted into the inbox of its user: 0, or -1 */

static int
rebuild_badge(rebuild_t *rebuild, const char *property,
    const redisReply *counted)
{
    char         channel[LL_KEY_MAX];
    args_t      *args = &rebuild->args;
    long long    ver, unread;
    redisReply  *reply;
    const char  *user;

    user = cli_text(counted, 1);

    if (conn_number(conn_element(counted, 0), &ver) != 0
        || conn_number(conn_element(counted, 2), &unread) != 0
        || !ll_id_valid(user, strlen(user)))
    {
        return cli_fail("\"%s\" cannot be counted", property), -1;
    }

    (void) ll_keys_user_channel(channel, user, strlen(user));

    cli_user_call(args, "badge", user);
    args_adds(args, property);
    args_number(args, ver);
    args_number(args, unread);
    args_adds(args, cli_text(counted, 3));
    args_adds(args, cli_text(counted, 4));
    args_copy(args, channel, strlen(channel));
    args_lit(args, "1");

    reply = cli_call(rebuild->cli, args);

    if (reply == NULL) {
        return -1;
    }

    rebuild->mended += reply->integer == 1;
    freeReplyObject(reply);

    return 0;
}


/* counts the messages of others in (after, to], some a command: n, or -1 */

static long long
rebuild_count(rebuild_t *rebuild, const char *property, const char *user,
    long long after, long long to)
{
    args_t      *args = &rebuild->args;
    long long    n, some, seq;
    redisReply  *reply;

    n = 0;

    while (after < to) {
        cli_property_call(args, "count", property);
        args_adds(args, user);
        args_number(args, after);
        args_number(args, to - after < STORE_COUNT ? to - after : STORE_COUNT);

        reply = cli_call(rebuild->cli, args);

        if (reply == NULL) {
            return -1;
        }

        if (conn_number(conn_element(reply, 1), &seq) != 0 || seq <= after
            || conn_number(conn_element(reply, 2), &some) != 0)
        {
            freeReplyObject(reply);
            return cli_fail("\"%s\" cannot be counted", property), -1;
        }

        freeReplyObject(reply);

        after = seq;
        n += some;
    }

    return n;
}


/*
 * A call blocks Redis for as long as it counts: where that is long, Redis says
 * what to count first.
 */

static int
rebuild_member(rebuild_t *rebuild, const char *property, const char *user)
{
    int          rc;
    char         channel[LL_KEY_MAX];
    args_t      *args = &rebuild->args;
    long long    first, from, last, some, after, to, n;
    redisReply  *reply;

    (void) ll_keys_property_channel(channel, property, strlen(property));

    after = to = n = -1;

    for ( ;; ) {
        cli_property_call(args, "recount", property);
        args_adds(args, property);
        args_adds(args, channel);
        args_adds(args, user);
        args_number(args, STORE_COUNT);

        if (n >= 0) {
            args_number(args, after);
            args_number(args, to);
            args_number(args, n);
        }

        reply = cli_call(rebuild->cli, args);

        if (reply == NULL) {
            return -1;
        }

        if (conn_number(conn_element(reply, 0), &first) != 0 || first != -1
            || conn_number(conn_element(reply, 1), &from) != 0
            || conn_number(conn_element(reply, 2), &last) != 0)
        {
            rc = rebuild_badge(rebuild, property, reply);
            freeReplyObject(reply);
            return rc;
        }

        freeReplyObject(reply);

        /* what was counted already holds, unless the user has read more */

        if (from != after) {
            after = to = from;
            n = 0;
        }

        some = rebuild_count(rebuild, property, user, to, last);
        if (some == -1) {
            return -1;
        }

        to = last;
        n += some;
    }
}


static int
rebuild_property(void *data, const char *property)
{
    int          rc;
    size_t       i;
    rebuild_t   *rebuild = data;
    redisReply  *users;

    cli_property_call(&rebuild->args, "members", property);
    users = cli_call(rebuild->cli, &rebuild->args);

    if (users == NULL) {
        return -1;
    }

    rc = 0;

    for (i = 0; rc == 0 && i < users->elements; i++) {
        rc = rebuild_member(rebuild, property, cli_text(users, i));
    }

    freeReplyObject(users);

    rebuild->threads++;
    rebuild_progress(rebuild);

    return rc;
}


static int
rebuild_user(void *data, const char *user)
{
    char         channel[LL_KEY_MAX];
    rebuild_t   *rebuild = data;
    redisReply  *reply;

    (void) ll_keys_user_channel(channel, user, strlen(user));

    cli_user_call(&rebuild->args, "total", user);
    args_adds(&rebuild->args, channel);

    reply = cli_call(rebuild->cli, &rebuild->args);

    if (reply == NULL) {
        return -1;
    }

    freeReplyObject(reply);

    rebuild->users++;
    rebuild_progress(rebuild);

    return 0;
}


static int
rebuild_report(const rebuild_t *rebuild)
{
    int    rc;
    buf_t  buf = BUF_INIT;

    if (rebuild->cli->json) {
        buf_lit(&buf, "{\"threads\":");
        buf_number(&buf, (int64_t) rebuild->threads);
        buf_lit(&buf, ",\"users\":");
        buf_number(&buf, (int64_t) rebuild->users);
        buf_lit(&buf, ",\"mended\":");
        buf_number(&buf, (int64_t) rebuild->mended);
        buf_lit(&buf, "}");

    } else {
        buf_number(&buf, (int64_t) rebuild->threads);
        buf_lit(&buf, " threads, ");
        buf_number(&buf, (int64_t) rebuild->users);
        buf_lit(&buf, " users, ");
        buf_number(&buf, (int64_t) rebuild->mended);
        buf_lit(&buf, " inbox threads mended");
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
    rebuild.said_at = clock_monotonic();

    rc = cli_connect(cli);

    if (rc == 0) {
        rc = cli_each(cli, 'p', "meta", rebuild_property, &rebuild);
    }

    if (rc == 0) {
        rc = cli_each(cli, 'u', "inbox", rebuild_user, &rebuild);
    }

    args_free(&rebuild.args);

    return rc == 0 ? rebuild_report(&rebuild) : CLI_FAILED;
}
