
/*
 * leaseloft dead list, dead retry: what workers gave up.
 *
 * The text of messages is never shown: who operates the service need not read
 * what people write.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "clock.h"
#include "json.h"


#define DEAD_PAGE  100


/* calls back with the entry's id and its fields; 0 goes on */

typedef int (*dead_each_pt)(cli_t *cli, unsigned k, const char *id,
    const redisReply *fields, void *data);


/* the value of a field, or "" */

static const char *
dead_field(const redisReply *fields, const char *name)
{
    size_t  i;

    for (i = 0; i + 1 < fields->elements; i += 2) {
        if (strcmp(cli_text(fields, i), name) == 0) {
            return cli_text(fields, i + 1);
        }
    }

    return "";
}


static redisReply *
dead_range(cli_t *cli, const char *command, const char *key, const char *from,
    const char *to, int count)
{
    args_t       args = ARGS_INIT;
    redisReply  *reply;

    args_adds(&args, command);
    args_adds(&args, key);
    args_adds(&args, from);
    args_adds(&args, to);
    args_lit(&args, "COUNT");
    args_number(&args, count);

    reply = cli_call(cli, &args);
    args_free(&args);

    return reply;
}


/*
 * One page after `from`, which moves on.  Returns the number of entries, or -1
 * after a failure.
 */

static int
dead_page(cli_t *cli, unsigned k, const char *key, char *from, size_t size,
    const char *last, dead_each_pt each, void *data)
{
    int                n;
    size_t             i;
    redisReply        *reply;
    const char        *id;
    const redisReply  *entry, *fields;

    reply = dead_range(cli, "XRANGE", key, from, last, DEAD_PAGE);

    if (reply == NULL) {
        return -1;
    }

    n = (int) reply->elements;

    for (i = 0; i < reply->elements; i++) {
        entry = conn_element(reply, i);
        id = cli_text(entry, 0);
        fields = conn_element(entry, 1);

        if (fields && each(cli, k, id, fields, data) != 0) {
            n = -1;
            break;
        }

        (void) snprintf(from, size, "(%s", id);
    }

    freeReplyObject(reply);

    return n;
}


/*
 * All entries of all streams, as they are now: what is given up meanwhile is
 * left out, so that retrying comes to an end.  0, or -1 having said why.
 */

static int
dead_each(cli_t *cli, dead_each_pt each, void *data)
{
    int          n;
    char         key[LL_KEY_MAX], from[64], last[64];
    unsigned     k;
    redisReply  *reply;

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        (void) ll_keys_dead(key, k);

        reply = dead_range(cli, "XREVRANGE", key, "+", "-", 1);

        if (reply == NULL) {
            return -1;
        }

        (void) snprintf(last, sizeof(last), "%s",
                        cli_text(conn_element(reply, 0), 0));
        freeReplyObject(reply);

        (void) snprintf(from, sizeof(from), "-");

        do {
            n = last[0] ? dead_page(cli, k, key, from, sizeof(from), last,
                                    each, data) : 0;
        } while (n == DEAD_PAGE);

        if (n == -1) {
            return -1;
        }
    }

    return 0;
}


/* --- list --- */

typedef struct {
    buf_t     out;
    uint64_t  n;
} dead_list_t;


static void
dead_list_json(dead_list_t *list, const char *id, const redisReply *fields)
{
    size_t              i;

    static const struct {
        const char     *member;
        const char     *field;
    } members[] = {
        { "op", "op" }, { "property", "p" }, { "user", "u" },
        { "why", "why" }, { "request", "id" }
    };

    buf_adds(&list->out, list->n ? ",{\"id\":" : "{\"id\":");
    json_strings(&list->out, id);
    buf_lit(&list->out, ",\"at\":");
    json_time(&list->out, strtoll(id, NULL, 10));

    for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        buf_lit(&list->out, ",\"");
        buf_adds(&list->out, members[i].member);
        buf_lit(&list->out, "\":");
        json_strings(&list->out, dead_field(fields, members[i].field));
    }

    buf_lit(&list->out, "}");
}


static int
dead_list_entry(cli_t *cli, unsigned k, const char *id,
    const redisReply *fields, void *data)
{
    char          time[CLOCK_LEN + 1];
    dead_list_t  *list = data;

    (void) k;

    if (cli->json) {
        dead_list_json(list, id, fields);

    } else {
        clock_format(time, strtoll(id, NULL, 10));

        buf_adds(&list->out, id);
        buf_lit(&list->out, "\t");
        buf_adds(&list->out, time);
        buf_lit(&list->out, "\t");
        buf_adds(&list->out, dead_field(fields, "op"));
        buf_lit(&list->out, "\t");
        buf_adds(&list->out, dead_field(fields, "p"));
        buf_lit(&list->out, "\t");
        buf_adds(&list->out, dead_field(fields, "u")[0]
                             ? dead_field(fields, "u") : "-");
        buf_lit(&list->out, "\t");
        buf_adds(&list->out, dead_field(fields, "why"));
        buf_lit(&list->out, "\n");
    }

    list->n++;

    return 0;
}


int
cli_dead_list(cli_t *cli)
{
    int          rc;
    dead_list_t  list;

    memset(&list, 0, sizeof(dead_list_t));

    if (cli_connect(cli) != 0) {
        return CLI_FAILED;
    }

    if (cli->json) {
        buf_lit(&list.out, "{\"dead\":[");
    }

    rc = dead_each(cli, dead_list_entry, &list);

    if (rc == 0) {
        if (cli->json) {
            buf_lit(&list.out, "]}");

        } else {
            buf_number(&list.out, (int64_t) list.n);
            buf_lit(&list.out, " given up");
        }

        rc = cli_print(&list.out);
    }

    buf_free(&list.out);

    return rc == 0 ? CLI_OK : CLI_FAILED;
}


/* --- retry --- */

typedef struct {
    uint64_t  n;
    char     *found;               /* of cli->args, one byte each */
} dead_retry_t;


/* 1 if the request is one to retry */

static int
dead_wanted(const cli_t *cli, const char *id, dead_retry_t *retry)
{
    int  i, wanted;

    wanted = cli->nargs == 0;

    for (i = 0; i < cli->nargs; i++) {
        if (strcmp(cli->args[i], id) == 0) {
            retry->found[i] = 1;
            wanted = 1;
        }
    }

    return wanted;
}


/* the request as it was: its fields less those that say why it is here */

static int
dead_request(args_t *args, const redisReply *fields)
{
    int                n;
    size_t             i;
    const char        *name;
    const redisReply  *value;

    n = 0;

    for (i = 0; i + 1 < fields->elements; i += 2) {
        name = cli_text(fields, i);
        value = conn_element(fields, i + 1);

        if (strcmp(name, "why") != 0 && strcmp(name, "id") != 0
            && value->type == REDIS_REPLY_STRING)
        {
            args_adds(args, name);
            args_add(args, value->str, (size_t) value->len);
            n++;
        }
    }

    return n;
}


/* sends MULTI, XADD, XDEL, EXEC: queued and gone, or neither */

static int
dead_send(cli_t *cli, unsigned k, const char *id, const redisReply *fields)
{
    int     rc;
    char    queue[LL_KEY_MAX], dead[LL_KEY_MAX];
    args_t  args = ARGS_INIT;

    (void) ll_keys_queue(queue, k);
    (void) ll_keys_dead(dead, k);

    args_lit(&args, "MULTI");
    rc = conn_send(cli->conn, &args);
    args_reset(&args);

    args_lit(&args, "XADD");
    args_adds(&args, queue);
    args_lit(&args, "*");
    (void) dead_request(&args, fields);
    rc |= conn_send(cli->conn, &args);
    args_reset(&args);

    args_lit(&args, "XDEL");
    args_adds(&args, dead);
    args_adds(&args, id);
    rc |= conn_send(cli->conn, &args);
    args_reset(&args);

    args_lit(&args, "EXEC");
    rc |= conn_send(cli->conn, &args);
    args_free(&args);

    return rc;
}


/* 0, or -1 having said why */

static int
dead_move(cli_t *cli, unsigned k, const char *id, const redisReply *fields)
{
    int                i, rc;
    redisReply        *reply;
    const redisReply  *added;

    if (dead_send(cli, k, id, fields) != 0) {
        return cli_fail("cannot ask Redis: %s", conn_error(cli->conn)), -1;
    }

    rc = 0;

    for (i = 0; i < 4; i++) {
        reply = cli_recv(cli);

        if (reply == NULL) {
            return -1;
        }

        added = i == 3 ? conn_element(reply, 0) : NULL;

        if (i == 3 && conn_result(added) != CONN_OK) {
            (void) cli_fail("\"%s\" cannot be queued: %s", id,
                            added ? added->str : "refused");
            rc = -1;
        }

        freeReplyObject(reply);
    }

    return rc;
}


static int
dead_retry_entry(cli_t *cli, unsigned k, const char *id,
    const redisReply *fields, void *data)
{
    int            n;
    args_t         args = ARGS_INIT;
    dead_retry_t  *retry = data;

    if (!dead_wanted(cli, id, retry)) {
        return 0;
    }

    n = dead_request(&args, fields);
    args_free(&args);

    if (n == 0) {
        (void) cli_fail("\"%s\" has nothing in it to retry", id);
        return 0;
    }

    if (dead_move(cli, k, id, fields) != 0) {
        return -1;
    }

    retry->n++;

    return 0;
}


static int
dead_retry_report(const cli_t *cli, const dead_retry_t *retry)
{
    int    i, rc;
    buf_t  buf = BUF_INIT;

    if (cli->json) {
        buf_lit(&buf, "{\"queued\":");
        buf_number(&buf, (int64_t) retry->n);
        buf_lit(&buf, "}");

    } else {
        buf_number(&buf, (int64_t) retry->n);
        buf_lit(&buf, " queued");
    }

    rc = cli_print(&buf);
    buf_free(&buf);

    for (i = 0; i < cli->nargs; i++) {
        if (!retry->found[i]) {
            rc = cli_fail("no request \"%s\" was given up", cli->args[i]);
        }
    }

    return rc;
}


int
cli_dead_retry(cli_t *cli)
{
    int           rc;
    dead_retry_t  retry;

    retry.n = 0;
    retry.found = calloc((size_t) cli->nargs + 1, 1);

    if (retry.found == NULL) {
        return cli_fail("out of memory");
    }

    rc = cli_connect(cli);

    if (rc == 0) {
        rc = dead_each(cli, dead_retry_entry, &retry);
    }

    rc = rc == 0 ? dead_retry_report(cli, &retry) : CLI_FAILED;

    free(retry.found);

    return rc;
}
