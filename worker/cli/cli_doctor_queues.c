
/* The checks of "leaseloft doctor" of the queues and of dead letters. */

#include <stdio.h>
#include <string.h>

#include "cli_doctor_queues.h"
#include "cli_redis.h"


#define DOCTOR_LAG          1000       /* requests */
#define DOCTOR_SEARCHES     32
#define DOCTOR_IDLE_MS      10000      /* twice the time until a claim */


/* the idle time of the oldest pending request, or 0 */
static long long
cli_doctor_queues_idle(cli_report_t *report, const char *key)
{
    long long    idle;
    redisReply  *reply;

    args_lit(&report->args, "XPENDING");
    args_adds(&report->args, key);
    args_lit(&report->args, LL_QUEUE_GROUP);
    args_lit(&report->args, "-");
    args_lit(&report->args, "+");
    args_lit(&report->args, "1");

    reply = cli_report_call(report, "queue");

    if (conn_number(conn_element(conn_element(reply, 0), 2), &idle) != 0) {
        idle = 0;
    }

    freeReplyObject(reply);

    return idle;
}


/* the number of requests in a queue, or -1 if it does not exist */
static long long
cli_doctor_queues_requests(cli_report_t *report, unsigned k)
{
    char         key[LL_KEY_MAX];
    long long    n;
    redisReply  *reply;

    (void) ll_keys_queue(key, k);

    args_lit(&report->args, "EXISTS");
    args_adds(&report->args, key);

    reply = cli_report_call(report, "queue");
    n = reply && reply->integer ? 0 : -1;
    freeReplyObject(reply);

    if (n == -1) {
        return -1;
    }

    args_lit(&report->args, "XLEN");
    args_adds(&report->args, key);

    reply = cli_report_call(report, "queue");
    n = reply ? reply->integer : -1;
    freeReplyObject(reply);

    return n;
}


/* checks a queue; whether it is read is known if there are workers */
static void
cli_doctor_queues_queue(cli_report_t *report,
    const cli_doctor_workers_t *workers, unsigned k)
{
    char               key[LL_KEY_MAX];
    long long          lag, pending, idle, waiting;
    redisReply        *reply;
    const redisReply  *group;

    waiting = cli_doctor_queues_requests(report, k);

    if (waiting == -1) {
        return;
    }

    if (workers->n && !((workers->queues >> k) & 1)) {
        cli_report_add(report, waiting ? CLI_REPORT_FAULT : CLI_REPORT_ADVICE,
                       "queue",
                       "%u: no worker reads it, %lld requests wait: start "
                       "one of this version", k, waiting);
        return;
    }

    (void) ll_keys_queue(key, k);

    args_lit(&report->args, "XINFO");
    args_lit(&report->args, "GROUPS");
    args_adds(&report->args, key);

    reply = cli_report_call(report, "queue");
    group = conn_element(reply, 0);

    if (reply && group == NULL) {
        cli_report_add(report, CLI_REPORT_FAULT, "queue",
                       "%u: no worker has ever read it: start one", k);
    }

    if (group) {
        lag = cli_report_field(group, "lag");
        pending = cli_report_field(group, "pending");
        idle = pending > 0 ? cli_doctor_queues_idle(report, key) : 0;

        if (idle > DOCTOR_IDLE_MS) {
            cli_report_add(report, CLI_REPORT_FAULT, "queue",
                           "%u: %lld requests taken and not finished, the "
                           "oldest %lld s ago: see the logs of workers", k,
                           pending, idle / 1000);

        } else if (lag > DOCTOR_LAG) {
            cli_report_add(report, CLI_REPORT_ADVICE, "queue",
                           "%u: %lld requests wait: start more workers", k,
                           lag);

        } else {
            cli_report_add(report, CLI_REPORT_FINE, "queue",
                           "%u: %lld wait, %lld in progress", k,
                           lag < 0 ? 0 : lag, pending);
        }
    }

    freeReplyObject(reply);
}


static void
cli_doctor_queues_dead(cli_report_t *report, unsigned k)
{
    char         key[LL_KEY_MAX];
    redisReply  *reply;

    (void) ll_keys_dead(key, k);

    args_lit(&report->args, "XLEN");
    args_adds(&report->args, key);

    reply = cli_report_call(report, "dead");

    if (reply && reply->integer) {
        cli_report_add(report, CLI_REPORT_ADVICE, "dead",
                       "%u: %lld requests given up: see \"leaseloft dead "
                       "list\"", k, reply->integer);

    } else if (reply && k == 0) {
        cli_report_add(report, CLI_REPORT_FINE, "dead",
                       "%u: none", k);
    }

    freeReplyObject(reply);
}


/* the lane of searches exists while somebody reads it */
static void
cli_doctor_queues_search(cli_report_t *report)
{
    char         key[LL_KEY_MAX];
    long long    n;
    redisReply  *reply;

    (void) ll_keys_search(key);

    args_lit(&report->args, "EXISTS");
    args_adds(&report->args, key);

    reply = cli_report_call(report, "search");
    n = reply ? reply->integer : -1;
    freeReplyObject(reply);

    if (n == 0) {
        cli_report_add(report, CLI_REPORT_ADVICE, "search",
                       "no worker takes searches: start one with --searchers");
    }

    if (n != 1) {
        return;
    }

    args_lit(&report->args, "XLEN");
    args_adds(&report->args, key);

    reply = cli_report_call(report, "search");

    if (reply) {
        cli_report_add(report,
                       reply->integer > DOCTOR_SEARCHES ? CLI_REPORT_ADVICE
                                                        : CLI_REPORT_FINE,
                       "search",
                       reply->integer > DOCTOR_SEARCHES
                       ? "%lld wait: start workers with more --searchers"
                       : "%lld wait", reply->integer);
    }

    freeReplyObject(reply);
}


void
cli_doctor_queues(cli_report_t *report, const cli_doctor_workers_t *workers)
{
    unsigned  k;

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        cli_doctor_queues_queue(report, workers, k);
        cli_doctor_queues_dead(report, k);
    }

    cli_doctor_queues_search(report);
}
