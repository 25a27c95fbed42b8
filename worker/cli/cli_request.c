
/*
 * Requests to the workers, as nginx makes them: XADD of an entry to a queue,
 * and the verdict by a reply channel of this process.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_redis.h"
#include "cli_request.h"
#include "clock.h"
#include "json.h"


struct cli_request_s {
    cli_t       *cli;
    conn_t      *subscriber;
    redisReply  *reply;            /* owns the last verdicts */
    ll_str_t     rest;             /* verdicts not returned yet */
    char         name[LL_ID_MAX + 1];
};


static int
cli_request_subscribe(cli_request_t *requests)
{
    char         channel[LL_KEY_MAX];
    args_t       args = ARGS_INIT;
    redisReply  *reply;

    (void) ll_keys_reply_channel(channel, requests->name,
                                 strlen(requests->name));

    requests->subscriber = cli_redis_open(requests->cli, channel);

    if (requests->subscriber == NULL) {
        return cli_fail("%s", requests->cli->why), -1;
    }

    args_adds(&args, requests->cli->cluster ? "SSUBSCRIBE" : "SUBSCRIBE");
    args_adds(&args, channel);

    reply = conn_call(requests->subscriber, &args);
    args_free(&args);

    if (conn_result(reply) != CONN_OK) {
        (void) cli_fail("cannot subscribe: %s",
                        reply ? reply->str : conn_error(requests->subscriber));
        freeReplyObject(reply);
        return -1;
    }

    freeReplyObject(reply);

    return conn_set_timeout(requests->subscriber, CLI_REQUEST_TIMEOUT_MS);
}


cli_request_t *
cli_request_create(cli_t *cli)
{
    cli_request_t  *requests;

    requests = calloc(1, sizeof(cli_request_t));

    if (requests == NULL) {
        (void) cli_fail("out of memory");
        return NULL;
    }

    requests->cli = cli;

    (void) snprintf(requests->name, sizeof(requests->name), "cli-%ld-%llx",
                    (long) getpid(), (unsigned long long) clock_now());

    if (cli_redis_connect(cli) != 0) {
        goto failed;
    }

    if (cli_request_subscribe(requests) != 0) {
        goto failed;
    }

    return requests;

failed:

    cli_request_free(requests);

    return NULL;
}


void
cli_request_free(cli_request_t *requests)
{
    if (requests == NULL) {
        return;
    }

    freeReplyObject(requests->reply);
    conn_free(requests->subscriber);
    free(requests);
}


int
cli_request_lease(cli_request_t *requests, uint64_t id, const char *property,
    const char *body, size_t len)
{
    int          k;
    char         key[LL_KEY_MAX], address[LL_ID_MAX + 32];
    args_t       args = ARGS_INIT;
    redisReply  *reply;

    k = cli_redis_queue(requests->cli, property);

    if (k == -1) {
        return -1;
    }

    (void) ll_keys_queue(key, (unsigned) k);
    (void) snprintf(address, sizeof(address), "%s.%llu", requests->name,
                    (unsigned long long) id);

    args_lit(&args, "XADD");
    args_adds(&args, key);
    args_lit(&args, "*");
    args_lit(&args, "op");
    args_lit(&args, "lease");
    args_lit(&args, "p");
    args_adds(&args, property);
    args_lit(&args, "u");
    args_lit(&args, "");
    args_lit(&args, "b");
    args_add(&args, body, len);
    args_lit(&args, "r");
    args_adds(&args, address);

    reply = cli_redis_try(requests->cli, &args);
    args_free(&args);

    if (reply == NULL) {
        return -1;
    }

    freeReplyObject(reply);

    return 0;
}


/* the payload of a message, or an empty string */
static ll_str_t
cli_request_payload(const redisReply *reply)
{
    ll_str_t           text = { NULL, 0 };
    const redisReply  *payload;

    payload = conn_element(reply, 2);

    if (payload != NULL && payload->type == REDIS_REPLY_STRING
        && (strcmp(cli_redis_text(reply, 0), "message") == 0
            || strcmp(cli_redis_text(reply, 0), "smessage") == 0))
    {
        text.data = payload->str;
        text.len = payload->len;
    }

    return text;
}


int
cli_request_wait(cli_request_t *requests, ll_verdict_t *verdict)
{
    while (requests->rest.len == 0
           || ll_frame_verdict_decode(&requests->rest, verdict) != 0)
    {
        freeReplyObject(requests->reply);
        requests->reply = conn_recv(requests->subscriber);

        if (requests->reply == NULL) {
            requests->rest.len = 0;
            (void) cli_fail("no worker has answered within %d s: the request "
                            "stays queued until a worker runs",
                            CLI_REQUEST_TIMEOUT_MS / 1000);
            return -1;
        }

        requests->rest = cli_request_payload(requests->reply);
    }

    return 0;
}


void
cli_request_problem(buf_t *buf, const char *body, size_t len)
{
    cJSON        *tree;
    const char   *why, *field, *detail, *separator;
    const cJSON  *fault;

    tree = json_parse(body, len, &why);
    separator = "";

    cJSON_ArrayForEach(fault, cJSON_GetObjectItemCaseSensitive(tree, "errors"))
    {
        field = cJSON_GetStringValue(
                    cJSON_GetObjectItemCaseSensitive(fault, "field"));
        detail = cJSON_GetStringValue(
                     cJSON_GetObjectItemCaseSensitive(fault, "detail"));

        if (field && detail) {
            buf_adds(buf, separator);
            buf_adds(buf, field[0] ? field : "the body");
            buf_lit(buf, " ");
            buf_adds(buf, detail);
            separator = "; ";
        }
    }

    if (separator[0] == '\0') {
        detail = cJSON_GetStringValue(
                     cJSON_GetObjectItemCaseSensitive(tree, "detail"));
        buf_adds(buf, detail ? detail : "refused");
    }

    cJSON_Delete(tree);
}
