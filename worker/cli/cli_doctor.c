
/*
 * leaseloft doctor: checks whether this Redis is fit to be the only storage of
 * threads, and whether workers keep up.
 *
 * Only faults set the exit status to 1.
 */

#include <string.h>

#include "cli_doctor.h"
#include "cli_doctor_queues.h"
#include "cli_doctor_redis.h"
#include "cli_doctor_workers.h"
#include "cli_redis.h"
#include "cli_report.h"


/*
 * 1 if they are loaded, which the checks of workers require, or if Redis does
 * not tell
 */
static int
cli_doctor_functions(cli_report_t *report)
{
    int          loaded;
    redisReply  *reply;

    args_lit(&report->args, "FUNCTION");
    args_lit(&report->args, "LIST");
    args_lit(&report->args, "LIBRARYNAME");
    args_lit(&report->args, LL_LIBRARY);

    reply = cli_report_call(report, "functions");

    if (reply && reply->elements == 0) {
        cli_report_add(report, CLI_REPORT_FAULT, "functions",
                       "\"%s\" is not loaded: start a worker, which loads it",
                       LL_LIBRARY);

    } else if (reply) {
        cli_report_add(report, CLI_REPORT_FINE, "functions", LL_LIBRARY);
    }

    loaded = reply ? reply->elements > 0 : conn_alive(report->cli->conn);
    freeReplyObject(reply);

    return loaded;
}


/* 1 if the data can be read */
static int
cli_doctor_layout(cli_report_t *report)
{
    if (cli_redis_layout(report->cli) != 0) {
        cli_report_add(report, CLI_REPORT_FAULT, "layout", "%s",
                       report->cli->why);
        return 0;
    }

    cli_report_add(report, CLI_REPORT_FINE, "layout", LL_LAYOUT);

    return 1;
}


static void
cli_doctor_run(cli_report_t *report, const char *info)
{
    cli_doctor_workers_t  workers;

    memset(&workers, 0, sizeof(cli_doctor_workers_t));

    if (info) {
        cli_doctor_redis(report, info);
    }

    if (!cli_doctor_layout(report)) {
        return;
    }

    if (cli_doctor_functions(report)) {
        cli_doctor_workers(report, &workers);

    } else {
        (void) cli_doctor_workers_refusals(report);
    }

    cli_doctor_queues(report, &workers);
}


/* prints the report; the exit status */
static int
cli_doctor_print(cli_report_t *report)
{
    if (report->cli->json) {
        buf_lit(&report->out, "],\"faults\":");
        buf_number(&report->out, report->faults);
        buf_lit(&report->out, "}");

    } else if (report->faults) {
        buf_number(&report->out, report->faults);
        buf_lit(&report->out, " to change");

    } else {
        buf_lit(&report->out, "nothing has to be changed");
    }

    return cli_print(&report->out) == CLI_OK && report->faults == 0
           ? CLI_OK : CLI_FAILED;
}


int
cli_doctor(cli_t *cli)
{
    int            rc;
    redisReply    *info;
    cli_report_t   report;

    memset(&report, 0, sizeof(cli_report_t));
    report.cli = cli;

    /* without the check of the layout, which is one of doctor's own */

    cli->conn = cli_redis_open(cli);

    if (cli->conn == NULL) {
        return CLI_FAILED;
    }

    if (cli->json) {
        buf_lit(&report.out, "{\"checks\":[");
    }

    args_lit(&report.args, "INFO");
    info = cli_report_call(&report, "version");

    cli_doctor_run(&report, info ? info->str : NULL);
    rc = cli_doctor_print(&report);

    freeReplyObject(info);
    args_free(&report.args);
    buf_free(&report.out);

    return rc;
}
