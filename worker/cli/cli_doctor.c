
/*
 * leaseloft doctor: checks whether this Redis is fit to be the only storage of
 * threads, and whether workers keep up.
 *
 * The exit status is that of monitoring plugins (cli_report.h).  A report is
 * always printed, also if Redis cannot be reached.
 */

#include <string.h>

#include "cli_doctor.h"
#include "cli_doctor_machine.h"
#include "cli_doctor_queues.h"
#include "cli_doctor_redis.h"
#include "cli_doctor_sample.h"
#include "cli_doctor_stream.h"
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
    if (cli_redis_layout(report->cli, 0) != 0) {
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
        cli_doctor_machine(report, info);
        workers.refuses = cli_doctor_redis_refuses(report, info);
    }

    if (!cli_doctor_layout(report)) {
        return;
    }

    if (cli_doctor_functions(report)) {
        cli_doctor_workers(report, &workers);
        cli_doctor_sample(report);

    } else {
        (void) cli_doctor_workers_refusals(report);
    }

    cli_doctor_queues(report, &workers);
}


int
cli_doctor(cli_t *cli)
{
    int            rc;
    redisReply    *info;
    cli_report_t   report;

    memset(&report, 0, sizeof(cli_report_t));
    report.cli = cli;
    info = NULL;

    /* without the check of the layout, which is one of doctor's own */

    cli->conn = cli_redis_open(cli, "");

    if (cli->conn) {
        args_lit(&report.args, "INFO");
        info = cli_report_call(&report, "version");

        cli_doctor_run(&report, info ? info->str : NULL);

    } else {
        cli_report_add(&report, CLI_REPORT_UNKNOWN, "connection",
                       "%s, so nothing can be checked", cli->why);
    }

    cli_doctor_stream(&report);

    rc = cli_report_print(&report);

    freeReplyObject(info);
    args_free(&report.args);
    buf_free(&report.out);

    return rc;
}
