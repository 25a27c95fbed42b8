
/* leaseloft unread: prints a user's inbox with its unread counts. */

#include <stdio.h>
#include <string.h>

#include "cli_redis.h"
#include "cli_unread.h"
#include "fcall.h"
#include "json.h"


#define CLI_UNREAD_PAGE  200


/* a thread in the order of the inbox; empty: before the first */

typedef struct {
    char  at[24];
    char  property[LL_ID_MAX + 1];
} cli_unread_cursor_t;


/*
 * Adds a thread of the inbox, without its closing brace, as JSON or as a line
 * of text.
 */
static void
cli_unread_thread(const cli_t *cli, buf_t *buf, const redisReply *thread,
    int first)
{
    buf_t         text = BUF_INIT;
    cJSON        *tree;
    const char   *why, *property, *label;
    const cJSON  *unread;

    buf_add(&text, thread->str, thread->len);
    buf_lit(&text, "}");

    tree = buf_failed(&text) ? NULL : json_parse(text.data, text.len, &why);
    buf_free(&text);

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


/* adds the thread of a property: 0, or -1 after an error message */
static int
cli_unread_property(cli_t *cli, buf_t *buf, const char *property, size_t *n)
{
    args_t       args = ARGS_INIT;
    redisReply  *reply;

    fcall_property(&args, "ll1_thread", property);
    args_adds(&args, property);
    args_adds(&args, cli->args[0]);

    reply = cli_redis_call(cli, &args);
    args_free(&args);

    if (reply == NULL) {
        return -1;
    }

    if (reply->type == REDIS_REPLY_STRING) {
        cli_unread_thread(cli, buf, reply, (*n)++ == 0);
    }

    freeReplyObject(reply);

    return 0;
}


/*
 * Adds the page of the inbox after the cursor, which is set to the end of the
 * page, or to "" if it is the last one.  0, or -1 after an error message.
 */
static int
cli_unread_page(cli_t *cli, buf_t *buf, cli_unread_cursor_t *cursor,
    long long *total, size_t *n)
{
    int                rc;
    size_t             i;
    args_t             args = ARGS_INIT;
    long long          more;
    redisReply        *reply;
    const redisReply  *list;

    fcall_user(&args, "ll1_inbox", cli->args[0]);
    args_number(&args, CLI_UNREAD_PAGE);
    args_adds(&args, cursor->at);
    args_adds(&args, cursor->property);

    reply = cli_redis_call(cli, &args);
    args_free(&args);

    if (reply == NULL) {
        return -1;
    }

    list = conn_element(reply, 3);

    if (list == NULL || conn_number(conn_element(reply, 1), total) != 0
        || conn_number(conn_element(reply, 2), &more) != 0)
    {
        freeReplyObject(reply);
        return cli_fail("the inbox cannot be read"), -1;
    }

    rc = 0;

    for (i = 0; rc == 0 && i + 1 < list->elements; i += 2) {
        (void) snprintf(cursor->property, sizeof(cursor->property), "%s",
                        cli_redis_text(list, i));
        (void) snprintf(cursor->at, sizeof(cursor->at), "%s",
                        cli_redis_text(list, i + 1));

        rc = cli_unread_property(cli, buf, cursor->property, n);
    }

    if (!more || list->elements == 0) {
        cursor->at[0] = '\0';
    }

    freeReplyObject(reply);

    return rc;
}


int
cli_unread(cli_t *cli)
{
    int                 rc;
    buf_t               threads = BUF_INIT, out = BUF_INIT;
    size_t              n;
    long long           total;
    cli_unread_cursor_t  cursor = { "", "" };

    if (cli_check_id(cli, "USER", cli->args[0]) != CLI_OK) {
        return CLI_USAGE;
    }

    rc = cli_redis_connect(cli);
    total = 0;
    n = 0;

    if (rc == 0) {
        do {
            rc = cli_unread_page(cli, &threads, &cursor, &total, &n);
        } while (rc == 0 && cursor.at[0]);
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
