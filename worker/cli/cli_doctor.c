
/*
 * leaseloft doctor: checks whether this Redis is fit to be the only storage of
 * threads, and whether workers keep up.
 *
 * The exit status is that of monitoring plugins (cli_report.h).  A report is
 * always printed, also if Redis cannot be reached.
 */

#include <stdio.h>
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
#include "store_library.h"


/* the busiest primary may have so many tenths of the mean */
#define CLI_DOCTOR_BUSIEST  13


/*
 * 1 if they are loaded, which the checks of workers require, or if Redis does
 * not tell.  Sets their revision, 0 if it is unknown.
 */
static int
cli_doctor_functions(cli_report_t *report, long *revision)
{
    int          loaded;
    redisReply  *reply;

    store_library_ask(&report->args);

    reply = cli_report_call(report, "functions");
    *revision = store_library_loaded(reply);

    if (reply && reply->elements == 0) {
        cli_report_add(report, CLI_REPORT_FAULT, "functions",
                       "\"%s\" is not loaded: start a worker, which loads it",
                       LL_LIBRARY);

    } else if (reply) {
        cli_report_add(report, CLI_REPORT_FINE, "functions",
                       LL_LIBRARY ", revision %ld", *revision);
    }

    loaded = reply ? reply->elements > 0 : conn_alive(report->cli->conn);
    freeReplyObject(reply);

    return loaded;
}


/* 1 if the data can be read */
static int
cli_doctor_layout(cli_report_t *report)
{
    if (cli_redis_layout(report->cli, report->home) != 0) {
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

    if (cli_doctor_functions(report, &workers.library)) {
        cli_doctor_workers(report, &workers);
        cli_doctor_sample(report);

    } else {
        (void) cli_doctor_workers_refusals(report);
    }

    cli_doctor_queues(report, &workers);
}


/* checks the server of cli->conn, and what it has */
static void
cli_doctor_server(cli_report_t *report)
{
    redisReply  *info;

    args_lit(&report->args, "INFO");
    info = cli_report_call(report, "version");

    cli_doctor_run(report, info ? info->str : NULL);
    freeReplyObject(info);
}


/* how many slots a primary has, and whether that is more than its share */
static void
cli_doctor_share(cli_report_t *report, const ll_slots_t *slots, unsigned i)
{
    unsigned  k, n, own;

    own = slots->nodes[i].slots;
    n = 0;

    for (k = 0; k < slots->nnodes; k++) {
        n += slots->nodes[k].slots != 0;
    }

    if (own * n * 10 > slots->covered * CLI_DOCTOR_BUSIEST) {
        cli_report_add(report, CLI_REPORT_ADVICE, "share",
                       "%u of %d slots, %.1f times the mean of %u primaries, "
                       "so it has that much more work than they: run "
                       "\"redis-cli --cluster rebalance\"", own, LL_SLOTS,
                       (double) own * n / slots->covered, n);

    } else {
        cli_report_add(report, CLI_REPORT_FINE, "share", "%u of %d slots", own,
                       LL_SLOTS);
    }
}


/* sets what is known of a primary from the map, and connects to it: 0 or -1 */
static int
cli_doctor_primary(cli_report_t *report, const ll_slots_t *slots, unsigned i)
{
    int                     home;
    cli_t                  *cli = report->cli;
    unsigned                k;
    const ll_slots_node_t  *node = &slots->nodes[i];

    (void) snprintf(report->subject, sizeof(report->subject), "%s:%u: ",
                    node->host, node->port);

    home = ll_slots_home(slots, i);
    report->home = home == -1 ? 0 : (unsigned) home;
    report->queues = 0;

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        if (ll_slots_node(slots, ll_slots_queue_slot(k)) == (int) i) {
            report->queues |= UINT64_C(1) << k;
        }
    }

    cli_doctor_share(report, slots, i);

    if (home == -1) {
        cli_report_add(report, CLI_REPORT_ADVICE, "queue",
                       "no queue is in its slots, so another primary has its "
                       "requests: deal the slots evenly");
    }

    cli->conn = cluster_conn_at(cli->cluster, node->host, node->port);

    if (cli->conn == NULL) {
        cli_report_add(report, CLI_REPORT_FAULT, "connection",
                       "cannot connect, so what it has cannot be read or "
                       "written: %s", cluster_error(cli->cluster));
    }

    return cli->conn != NULL && home != -1 ? 0 : -1;
}


/* checks each primary of a cluster */
static void
cli_doctor_cluster(cli_report_t *report)
{
    cli_t       *cli = report->cli;
    unsigned     i;
    ll_slots_t   slots;

    cli->cluster = cluster_create(&cli->redis, "leaseloft");

    if (cli->cluster == NULL || cluster_refresh(cli->cluster) != 0) {
        cli_report_add(report, CLI_REPORT_UNKNOWN, "connection",
                       "cannot read the slots of the cluster, so nothing can "
                       "be checked: %s", cli->cluster
                                         ? cluster_error(cli->cluster)
                                         : "out of memory");
        return;
    }

    slots = *cluster_slots(cli->cluster);

    cli_report_add(report, slots.covered == LL_SLOTS ? CLI_REPORT_FINE
                                                     : CLI_REPORT_FAULT,
                   "slots", "%u of %d have a primary%s", slots.covered,
                   LL_SLOTS, slots.covered == LL_SLOTS ? ""
                             : ", and what the others have cannot be read or "
                               "written: see \"redis-cli --cluster check\"");

    for (i = 0; i < slots.nnodes; i++) {
        if (slots.nodes[i].slots != 0
            && cli_doctor_primary(report, &slots, i) == 0)
        {
            cli_doctor_server(report);
        }
    }

    report->subject[0] = '\0';
}


int
cli_doctor(cli_t *cli)
{
    int            rc;
    cli_report_t   report;

    memset(&report, 0, sizeof(cli_report_t));
    report.cli = cli;
    report.queues = ~UINT64_C(0);

    /* without the check of the layout, which is one of doctor's own */

    if (cli->redis.url.kind == LL_REDIS_URL_CLUSTER) {
        cli_doctor_cluster(&report);

    } else {
        cli->conn = cli_redis_open(cli, "");

        if (cli->conn) {
            cli_doctor_server(&report);

        } else {
            cli_report_add(&report, CLI_REPORT_UNKNOWN, "connection",
                           "%s, so nothing can be checked", cli->why);
            cli_doctor_machine_down(&report,
                                    cli->values[CLI_DOCTOR_REDIS_DIR]);
        }
    }

    cli_doctor_stream(&report);

    rc = cli_report_print(&report);

    args_free(&report.args);
    buf_free(&report.out);

    return rc;
}
