
/*
 * leaseloft dead list, dead retry, dead drop: what workers gave up.
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

    reply = cli_ask(cli, &args);
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


/* all of queue K, as they are now: 0, or -1 */

static int
dead_queue(cli_t *cli, unsigned k, dead_each_pt each, void *data)
{
    int          n;
    char         key[LL_KEY_MAX], from[64] = "-", last[64];
    redisReply  *reply;

    (void) ll_keys_dead(key, k);

    reply = dead_range(cli, "XREVRANGE", key, "+", "-", 1);

    if (reply == NULL) {
        return -1;
    }

    (void) snprintf(last, sizeof(last), "%s",
                    cli_text(conn_element(reply, 0), 0));
    freeReplyObject(reply);

    if (last[0] == '\0') {
        return 0;
    }

    do {
        n = dead_page(cli, k, key, from, sizeof(from), last, each, data);
    } while (n == DEAD_PAGE);

    return n == -1 ? -1 : 0;
}


/*
 * All entries of all queues, as they are now: what is given up meanwhile is
 * left out.  0, or -1 having said which queues can't be read, or why not all.
 */

static int
dead_each(cli_t *cli, dead_each_pt each, void *data)
{
    int       rc;
    unsigned  k;

    rc = 0;

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        if (dead_queue(cli, k, each, data) == 0) {
            continue;
        }

        rc = -1;

        if (!cli_goes_on(cli)) {
            (void) cli_fail("%s", cli->why);
            break;
        }

        (void) cli_fail("queue %u: %s", k, cli->why);
    }

    return rc;
}


/* --- list --- */

typedef struct {
    buf_t     out;
    uint64_t  n;
    char     *found;               /* of cli->args, one byte each */
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


/* prints the entries, and their number in words: the exit status */

static int
dead_list_print(cli_t *cli, dead_list_t *list, const char *member,
    const char *words)
{
    int    rc;
    buf_t  out = BUF_INIT;

    if (cli->json) {
        buf_lit(&out, "{\"");
        buf_adds(&out, member);
        buf_lit(&out, "\":[");
    }

    buf_add(&out, list->out.data, list->out.len);

    if (cli->json) {
        buf_lit(&out, "]}");

    } else {
        buf_number(&out, (int64_t) list->n);
        buf_adds(&out, words);
    }

    rc = cli_print(&out);

    buf_free(&out);
    buf_free(&list->out);

    return rc;
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

    rc = dead_each(cli, dead_list_entry, &list);

    return dead_list_print(cli, &list, "dead", " given up") == CLI_OK && rc == 0
           ? CLI_OK : CLI_FAILED;
}


/* --- which --- */

/* 1 if the request is one that the arguments name, or if they name none */

static int
dead_wanted(const cli_t *cli, const char *id, char *found)
{
    int  i, wanted;

    wanted = cli->nargs == 0;

    for (i = 0; i < cli->nargs; i++) {
        if (strcmp(cli->args[i], id) == 0) {
            found[i] = 1;
            wanted = 1;
        }
    }

    return wanted;
}


/* says which of those that the arguments name are not there: 0, or -1 */

static int
dead_missing(const cli_t *cli, const char *found)
{
    int  i, rc;

    rc = 0;

    for (i = 0; i < cli->nargs; i++) {
        if (!found[i]) {
            (void) cli_fail("no request \"%s\" was given up", cli->args[i]);
            rc = -1;
        }
    }

    return rc;
}


/* --- retry --- */

/* a request that was given up: where it is, and when it first came */

typedef struct {
    unsigned            k;
    char                id[48];
    unsigned long long  ms;
    unsigned long long  seq;
} dead_letter_t;


typedef struct {
    dead_letter_t  *letters;
    size_t          n;
    size_t          size;
    uint64_t        queued;
    uint64_t        failed;
    char           *found;         /* of cli->args, one byte each */
} dead_retry_t;


static int
dead_retry_entry(cli_t *cli, unsigned k, const char *id,
    const redisReply *fields, void *data)
{
    size_t          size;
    dead_retry_t   *retry = data;
    dead_letter_t  *letter, *letters;

    if (!dead_wanted(cli, id, retry->found)) {
        return 0;
    }

    if (retry->n == retry->size) {
        size = retry->size ? retry->size * 2 : 256;
        letters = realloc(retry->letters, size * sizeof(dead_letter_t));

        if (letters == NULL) {
            (void) snprintf(cli->why, sizeof(cli->why), "out of memory");
            cli->result = CONN_LOST;
            return -1;
        }

        retry->letters = letters;
        retry->size = size;
    }

    letter = &retry->letters[retry->n++];

    letter->k = k;
    (void) snprintf(letter->id, sizeof(letter->id), "%s", id);

    if (sscanf(dead_field(fields, "id"), "%llu-%llu", &letter->ms,
               &letter->seq)
        != 2)
    {
        (void) sscanf(id, "%llu-%llu", &letter->ms, &letter->seq);
    }

    return 0;
}


/* in the order in which they first came */

static int
dead_compare(const void *a, const void *b)
{
    const dead_letter_t  *x = a, *y = b;

    if (x->ms != y->ms) {
        return x->ms < y->ms ? -1 : 1;
    }

    return x->seq < y->seq ? -1 : x->seq > y->seq;
}


/* 0, also if that one fails; -1 if all would.  Says why either way. */

static int
dead_put_back(cli_t *cli, dead_retry_t *retry, const dead_letter_t *letter)
{
    args_t       args = ARGS_INIT;
    long long    n;
    redisReply  *reply;

    cli_queue_call(&args, "retry", letter->k);
    args_adds(&args, letter->id);

    reply = cli_ask(cli, &args);
    args_free(&args);

    if (reply == NULL) {
        retry->failed++;
        (void) cli_fail("\"%s\": %s", letter->id, cli->why);
        return cli_goes_on(cli) ? 0 : -1;
    }

    if (conn_number(reply, &n) != 0 || n == -1) {
        retry->failed++;
        (void) cli_fail("\"%s\" has nothing in it to retry", letter->id);

    } else {
        retry->queued += n == 1;       /* 0: somebody else was faster */
    }

    freeReplyObject(reply);

    return 0;
}


static int
dead_retry(cli_t *cli, dead_retry_t *retry)
{
    int     rc;
    size_t  i;
    buf_t   buf = BUF_INIT;

    rc = dead_each(cli, dead_retry_entry, retry);

    if (retry->n) {
        qsort(retry->letters, retry->n, sizeof(dead_letter_t), dead_compare);
    }

    for (i = 0; i < retry->n; i++) {
        if (dead_put_back(cli, retry, &retry->letters[i]) != 0) {
            break;
        }
    }

    if (cli->json) {
        buf_lit(&buf, "{\"queued\":");
        buf_number(&buf, (int64_t) retry->queued);
        buf_lit(&buf, ",\"failed\":");
        buf_number(&buf, (int64_t) retry->failed);
        buf_lit(&buf, "}");

    } else {
        buf_number(&buf, (int64_t) retry->queued);
        buf_lit(&buf, " queued");
    }

    if (cli_print(&buf) != CLI_OK || retry->failed) {
        rc = -1;
    }

    buf_free(&buf);

    return rc;
}


int
cli_dead_retry(cli_t *cli)
{
    int           rc;
    dead_retry_t  retry;

    memset(&retry, 0, sizeof(dead_retry_t));

    if (cli_connect(cli) != 0) {
        return CLI_FAILED;
    }

    retry.found = calloc((size_t) cli->nargs + 1, 1);

    if (retry.found == NULL) {
        return cli_fail("out of memory");
    }

    rc = dead_retry(cli, &retry);

    if (dead_missing(cli, retry.found) != 0) {
        rc = -1;
    }

    free(retry.letters);
    free(retry.found);

    return rc == 0 ? CLI_OK : CLI_FAILED;
}


/* --- drop --- */

/* what goes is listed, as nobody can look it up any more */

static int
dead_drop_entry(cli_t *cli, unsigned k, const char *id,
    const redisReply *fields, void *data)
{
    char          key[LL_KEY_MAX];
    args_t        args = ARGS_INIT;
    redisReply   *reply;
    dead_list_t  *list = data;

    if (!dead_wanted(cli, id, list->found)) {
        return 0;
    }

    args_lit(&args, "XDEL");
    args_copy(&args, key, ll_keys_dead(key, k));
    args_adds(&args, id);

    reply = cli_ask(cli, &args);
    args_free(&args);

    if (reply == NULL) {
        return -1;
    }

    if (reply->integer == 1) {
        (void) dead_list_entry(cli, k, id, fields, list);
    }

    freeReplyObject(reply);

    return 0;
}


int
cli_dead_drop(cli_t *cli)
{
    int          rc;
    dead_list_t  list;

    memset(&list, 0, sizeof(dead_list_t));

    if ((cli->nargs == 0) != (cli->values[0] != NULL)) {
        return cli_usage(cli, "\"dead drop\" takes ids, or --all");
    }

    if (cli_connect(cli) != 0) {
        return CLI_FAILED;
    }

    list.found = calloc((size_t) cli->nargs + 1, 1);

    if (list.found == NULL) {
        return cli_fail("out of memory");
    }

    rc = dead_each(cli, dead_drop_entry, &list);

    if (dead_list_print(cli, &list, "dropped", " dropped") != CLI_OK
        || dead_missing(cli, list.found) != 0)
    {
        rc = -1;
    }

    free(list.found);

    return rc == 0 ? CLI_OK : CLI_FAILED;
}
