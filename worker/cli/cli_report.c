
/*
 * A report of findings, as text or as JSON.  It owns its output and the
 * arguments of the commands that checks send.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli_redis.h"
#include "cli_report.h"
#include "json.h"


static const char  *cli_report_levels[] = { "ok", "advice", "fault" };


void
cli_report_add(cli_report_t *report, cli_report_level_e level,
    const char *check, const char *fmt, ...)
{
    char     text[512], head[64];
    buf_t   *out = &report->out;
    va_list  args;

    va_start(args, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);

    report->faults += level == CLI_REPORT_FAULT;

    if (!report->cli->json) {
        (void) snprintf(head, sizeof(head), "%-8s%-13s",
                        cli_report_levels[level], check);
        buf_adds(out, head);
        buf_adds(out, text);
        buf_lit(out, "\n");
        return;
    }

    buf_adds(out, report->n++ ? ",{\"check\":" : "{\"check\":");
    json_strings(out, check);
    buf_lit(out, ",\"level\":");
    json_strings(out, cli_report_levels[level]);
    buf_lit(out, ",\"detail\":");
    json_strings(out, text);
    buf_lit(out, "}");
}


redisReply *
cli_report_call(cli_report_t *report, const char *check)
{
    conn_t      *conn = report->cli->conn;
    redisReply  *reply;

    reply = conn_call(conn, &report->args);
    args_reset(&report->args);

    if (reply == NULL) {
        cli_report_add(report, CLI_REPORT_FAULT, check,
                       "Redis does not answer: %s", conn_error(conn));

    } else if (reply->type == REDIS_REPLY_ERROR) {
        cli_report_add(report, CLI_REPORT_ADVICE, check,
                       "cannot be checked: %s", reply->str);
        freeReplyObject(reply);
        reply = NULL;
    }

    return reply;
}


long long
cli_report_field(const redisReply *list, const char *name)
{
    size_t     i;
    long long  n;

    for (i = 0; list && i + 1 < list->elements; i += 2) {
        if (strcmp(cli_redis_text(list, i), name) == 0
            && conn_number(list->element[i + 1], &n) == 0)
        {
            return n;
        }
    }

    return -1;
}
