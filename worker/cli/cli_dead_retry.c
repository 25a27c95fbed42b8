
/*
 * leaseloft dead retry: puts requests that workers gave up back into their
 * queues, in the order in which they were first queued.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_dead.h"
#include "cli_dead_retry.h"
#include "cli_redis.h"


/* a dead letter: its queue, its id, and the id of the original request */

typedef struct {
    unsigned            k;
    char                id[48];
    unsigned long long  ms;
    unsigned long long  seq;
} dead_retry_letter_t;


typedef struct {
    dead_retry_letter_t  *letters;
    size_t                n;
    size_t                size;
    uint64_t              queued;
    uint64_t              failed;
    char                 *found;   /* one byte for each of cli->args */
} dead_retry_t;


static int
cli_dead_retry_entry(cli_t *cli, unsigned k, const char *id,
    const redisReply *fields, void *data)
{
    size_t                size;
    dead_retry_t         *retry = data;
    dead_retry_letter_t  *letter, *letters;

    if (!cli_dead_wanted(cli, id, retry->found)) {
        return 0;
    }

    if (retry->n == retry->size) {
        size = retry->size ? retry->size * 2 : 256;
        letters = realloc(retry->letters, size * sizeof(dead_retry_letter_t));

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

    if (sscanf(cli_dead_field(fields, "id"), "%llu-%llu", &letter->ms,
               &letter->seq)
        != 2)
    {
        (void) sscanf(id, "%llu-%llu", &letter->ms, &letter->seq);
    }

    return 0;
}


/* by the id of the original request */
static int
cli_dead_retry_compare(const void *a, const void *b)
{
    const dead_retry_letter_t  *x = a, *y = b;

    if (x->ms != y->ms) {
        return x->ms < y->ms ? -1 : 1;
    }

    return x->seq < y->seq ? -1 : x->seq > y->seq;
}


/*
 * Puts one request back.  A failure is reported; -1 if the others would fail
 * too, else 0.
 */
static int
cli_dead_retry_one(cli_t *cli, dead_retry_t *retry,
    const dead_retry_letter_t *letter)
{
    args_t       args = ARGS_INIT;
    long long    n;
    redisReply  *reply;

    cli_redis_queue_call(&args, "ll1_retry", letter->k);
    args_adds(&args, letter->id);

    reply = cli_redis_try(cli, &args);
    args_free(&args);

    if (reply == NULL) {
        retry->failed++;
        (void) cli_fail("\"%s\": %s", letter->id, cli->why);
        return cli_redis_can_continue(cli) ? 0 : -1;
    }

    if (conn_number(reply, &n) != 0 || n == -1) {
        retry->failed++;
        (void) cli_fail("\"%s\" contains no request", letter->id);

    } else {
        retry->queued += n == 1;       /* 0: it is no longer there */
    }

    freeReplyObject(reply);

    return 0;
}


static int
cli_dead_retry_run(cli_t *cli, dead_retry_t *retry)
{
    int     rc;
    size_t  i;
    buf_t   buf = BUF_INIT;

    rc = cli_dead_each(cli, cli_dead_retry_entry, retry);

    if (retry->n) {
        qsort(retry->letters, retry->n, sizeof(dead_retry_letter_t),
              cli_dead_retry_compare);
    }

    for (i = 0; i < retry->n; i++) {
        if (cli_dead_retry_one(cli, retry, &retry->letters[i]) != 0) {
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

    if (cli_redis_connect(cli) != 0) {
        return CLI_FAILED;
    }

    retry.found = calloc((size_t) cli->nargs + 1, 1);

    if (retry.found == NULL) {
        return cli_fail("out of memory");
    }

    rc = cli_dead_retry_run(cli, &retry);

    if (cli_dead_missing(cli, retry.found) != 0) {
        rc = -1;
    }

    free(retry.letters);
    free(retry.found);

    return rc == 0 ? CLI_OK : CLI_FAILED;
}
