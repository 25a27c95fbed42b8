
/* leaseloft unread: prints a user's inbox with its unread counts. */

#include <stdio.h>
#include <string.h>

#include "cli_redis.h"
#include "cli_unread.h"
#include "json.h"


#define CLI_UNREAD_PAGE  200


/* adds a thread of the inbox, as JSON or as a line of text */
static void
cli_unread_thread(const cli_t *cli, buf_t *buf, const char *thread, size_t len,
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
 * Adds the page of the inbox at the cursor, which is set to the next page, or
 * to "" at the end.  0, or -1 after an error message.
 */
static int
cli_unread_page(cli_t *cli, buf_t *buf, char *cursor, size_t size,
    long long *total, size_t *n)
{
    char              *dot;
    size_t             i;
    args_t             args = ARGS_INIT;
    redisReply        *reply;
    const redisReply  *list;

    cli_redis_user_call(&args, "inbox", cli->args[0]);
    args_number(&args, CLI_UNREAD_PAGE);

    dot = strchr(cursor, '.');
    args_copy(&args, cursor, dot ? (size_t) (dot - cursor) : 0);
    args_adds(&args, dot ? dot + 1 : "");

    reply = cli_redis_call(cli, &args);
    args_free(&args);

    if (reply == NULL) {
        return -1;
    }

    list = conn_element(reply, 3);

    if (list == NULL || conn_number(conn_element(reply, 1), total) != 0) {
        freeReplyObject(reply);
        return cli_fail("the inbox cannot be read"), -1;
    }

    (void) snprintf(cursor, size, "%s", cli_redis_text(reply, 2));

    for (i = 0; i < list->elements; i++) {
        cli_unread_thread(cli, buf, cli_redis_text(list, i),
                          strlen(cli_redis_text(list, i)), (*n)++ == 0);
    }

    freeReplyObject(reply);

    return 0;
}


int
cli_unread(cli_t *cli)
{
    int        rc;
    char       cursor[LL_ID_MAX + 32] = "";
    buf_t      threads = BUF_INIT, out = BUF_INIT;
    size_t     n;
    long long  total;

    if (cli_check_id(cli, "USER", cli->args[0]) != CLI_OK) {
        return CLI_USAGE;
    }

    rc = cli_redis_connect(cli);
    total = 0;
    n = 0;

    if (rc == 0) {
        do {
            rc = cli_unread_page(cli, &threads, cursor, sizeof(cursor), &total,
                                 &n);
        } while (rc == 0 && cursor[0]);
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
