
/*
 * A report of findings, as text or as JSON.  It owns its output and the
 * arguments of the commands that checks send.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli_redis.h"
#include "cli_report.h"
#include "common/redis_url.h"
#include "json.h"


#define CLI_REPORT_OK       0
#define CLI_REPORT_WARNING  1
#define CLI_REPORT_WRONG    2
#define CLI_REPORT_OPEN     3


static const char  *cli_report_levels[] = { "ok", "advice", "fault",
                                            "unknown" };


void
cli_report_add(cli_report_t *report, cli_report_level_e level,
    const char *check, const char *fmt, ...)
{
    int      first;
    char     text[768], head[64];
    size_t   len;
    buf_t   *out = &report->out;
    va_list  args;

    len = (size_t) snprintf(text, sizeof(text), "%s", report->subject);

    va_start(args, fmt);
    (void) vsnprintf(text + len, sizeof(text) - len, fmt, args);
    va_end(args);

    ll_redis_url_mask(text);
    first = report->out.len == 0;
    report->n[level]++;

    if (!report->cli->json) {
        (void) snprintf(head, sizeof(head), "%-8s%-13s",
                        cli_report_levels[level], check);
        buf_adds(out, head);
        buf_adds(out, text);
        buf_lit(out, "\n");
        return;
    }

    buf_adds(out, first ? "{\"check\":" : ",{\"check\":");
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
        cli_report_add(report, CLI_REPORT_UNKNOWN, check,
                       "cannot be checked: %s", reply->str);
        freeReplyObject(reply);
        reply = NULL;
    }

    return reply;
}


const char *
cli_report_config(cli_report_t *report, const char *check, const char *name,
    const char *wanted, redisReply **reply)
{
    const redisReply  *value;

    args_lit(&report->args, "CONFIG");
    args_lit(&report->args, "GET");
    args_adds(&report->args, name);

    *reply = cli_redis_try(report->cli, &report->args);
    value = conn_element(*reply, 1);

    if (value && value->str) {
        return value->str;
    }

    if (wanted) {
        cli_report_add(report, CLI_REPORT_UNKNOWN, check,
                       "\"%s\" cannot be checked, see that it is \"%s\": %s",
                       name, wanted, *reply ? "Redis does not tell it"
                                            : report->cli->why);
    }

    return NULL;
}


static int
cli_report_status(const cli_report_t *report)
{
    return report->n[CLI_REPORT_FAULT] ? CLI_REPORT_WRONG
           : report->n[CLI_REPORT_UNKNOWN] ? CLI_REPORT_OPEN
           : report->n[CLI_REPORT_ADVICE] ? CLI_REPORT_WARNING
           : CLI_REPORT_OK;
}


/* "faults: 2, advice: 1", without levels that have no finding */
static void
cli_report_summary(const cli_report_t *report, buf_t *line)
{
    size_t       i;
    const char  *sep;

    static const struct {
        cli_report_level_e   level;
        const char          *name;
    } names[] = {
        { CLI_REPORT_FAULT, "faults: " },
        { CLI_REPORT_UNKNOWN, "not checked: " },
        { CLI_REPORT_ADVICE, "advice: " }
    };

    sep = "";

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (report->n[names[i].level]) {
            buf_adds(line, sep);
            buf_adds(line, names[i].name);
            buf_number(line, report->n[names[i].level]);
            sep = ", ";
        }
    }

    if (sep[0] == '\0') {
        buf_lit(line, "nothing has to be changed");
    }
}


int
cli_report_print(cli_report_t *report)
{
    int    rc;
    buf_t  all = BUF_INIT;

    if (report->cli->json) {
        buf_lit(&all, "{\"checks\":[");
        buf_add(&all, report->out.data, report->out.len);
        buf_lit(&all, "],\"faults\":");
        buf_number(&all, report->n[CLI_REPORT_FAULT]);
        buf_lit(&all, ",\"advice\":");
        buf_number(&all, report->n[CLI_REPORT_ADVICE]);
        buf_lit(&all, ",\"unknown\":");
        buf_number(&all, report->n[CLI_REPORT_UNKNOWN]);
        buf_lit(&all, ",\"status\":");
        buf_number(&all, cli_report_status(report));
        buf_lit(&all, "}");

    } else {
        cli_report_summary(report, &all);
        buf_lit(&all, "\n");
        buf_add(&all, report->out.data,
                report->out.len ? report->out.len - 1 : 0);
    }

    rc = buf_failed(&report->out) || cli_print(&all) != CLI_OK
         ? CLI_REPORT_OPEN : cli_report_status(report);
    buf_free(&all);

    return rc;
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
