
/* The checks of "leaseloft doctor" of the queues and of dead letters. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_doctor_queues.h"
#include "cli_redis.h"


#define DOCTOR_LAG          1000       /* requests */
#define DOCTOR_SEARCHES     32
#define DOCTOR_IDLE_MS      10000      /* twice the time until a claim */
#define DOCTOR_AGE_MS       10000      /* of a request that nobody has read */


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


/* the age of the oldest request after that id, or 0 */
static long long
cli_doctor_queues_age(cli_report_t *report, const char *key, const char *after)
{
    char         start[64];
    long long    then, now;
    redisReply  *reply;

    (void) snprintf(start, sizeof(start), "(%.40s", after);

    args_lit(&report->args, "XRANGE");
    args_adds(&report->args, key);
    args_adds(&report->args, start);
    args_lit(&report->args, "+");
    args_lit(&report->args, "COUNT");
    args_lit(&report->args, "1");

    reply = cli_report_call(report, "queue");
    then = strtoll(cli_redis_text(conn_element(reply, 0), 0), NULL, 10);
    freeReplyObject(reply);

    args_lit(&report->args, "TIME");

    reply = then ? cli_report_call(report, "queue") : NULL;
    args_reset(&report->args);
    now = strtoll(cli_redis_text(reply, 0), NULL, 10) * 1000;
    freeReplyObject(reply);

    return now > then && then ? now - then : 0;
}


/* the id of the request that was read last, in an element of XINFO GROUPS */
static const char *
cli_doctor_queues_last(const redisReply *group)
{
    size_t  i;

    for (i = 0; i + 1 < group->elements; i += 2) {
        if (strcmp(cli_redis_text(group, i), "last-delivered-id") == 0) {
            return cli_redis_text(group, i + 1);
        }
    }

    return "0";
}


/* checks the requests of a group: those that wait and those in progress */
static void
cli_doctor_queues_group(cli_report_t *report, const char *key, unsigned k,
    const redisReply *group)
{
    long long  lag, pending, idle, age;

    lag = cli_report_field(group, "lag");
    pending = cli_report_field(group, "pending");
    idle = pending > 0 ? cli_doctor_queues_idle(report, key) : 0;
    age = cli_doctor_queues_age(report, key, cli_doctor_queues_last(group));

    if (idle > DOCTOR_IDLE_MS) {
        cli_report_add(report, CLI_REPORT_FAULT, "queue",
                       "%u: %lld requests taken and not finished, the "
                       "oldest %lld s ago, so senders do not see their "
                       "messages: see the logs of workers", k, pending,
                       idle / 1000);

    } else if (age > DOCTOR_AGE_MS) {
        cli_report_add(report, CLI_REPORT_FAULT, "queue",
                       "%u: nobody has read the oldest request for %lld s, so "
                       "senders do not see their messages: start more workers, "
                       "or see their logs", k, age / 1000);

    } else if (lag > DOCTOR_LAG) {
        cli_report_add(report, CLI_REPORT_ADVICE, "queue",
                       "%u: %lld requests wait, so senders get a 202: start "
                       "more workers", k, lag);

    } else {
        cli_report_add(report, CLI_REPORT_FINE, "queue",
                       "%u: %lld wait, %lld in progress", k,
                       lag < 0 ? 0 : lag, pending);
    }
}


/* checks a queue; whether it is read is known if there are workers */
static void
cli_doctor_queues_queue(cli_report_t *report,
    const cli_doctor_workers_t *workers, unsigned k)
{
    char               key[LL_KEY_MAX];
    long long          waiting;
    redisReply        *reply;
    const redisReply  *group;

    waiting = cli_doctor_queues_requests(report, k);

    if (waiting == -1) {
        return;
    }

    if (workers->n && !((workers->queues >> k) & 1)) {
        cli_report_add(report, waiting ? CLI_REPORT_FAULT : CLI_REPORT_ADVICE,
                       "queue",
                       report->cli->cluster == NULL
                       ? "%u: no worker reads it, %lld requests wait: start "
                         "one of this version"
                       : "%u: no worker reads it, %lld requests wait: see what "
                         "the logs of workers say about this primary",
                       k, waiting);
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
        cli_doctor_queues_group(report, key, k, group);
    }

    freeReplyObject(reply);
}


/* why the newest dead letter was given up, owned by *reply */
static const char *
cli_doctor_queues_why(cli_report_t *report, const char *key,
    redisReply **reply)
{
    size_t             i;
    const redisReply  *fields;

    args_lit(&report->args, "XREVRANGE");
    args_adds(&report->args, key);
    args_lit(&report->args, "+");
    args_lit(&report->args, "-");
    args_lit(&report->args, "COUNT");
    args_lit(&report->args, "1");

    *reply = cli_report_call(report, "dead");
    fields = conn_element(conn_element(*reply, 0), 1);

    for (i = 0; fields && i + 1 < fields->elements; i += 2) {
        if (strcmp(cli_redis_text(fields, i), "why") == 0) {
            return cli_redis_text(fields, i + 1);
        }
    }

    return "of no known reason";
}


static void
cli_doctor_queues_dead(cli_report_t *report, unsigned k)
{
    char         key[LL_KEY_MAX];
    redisReply  *reply, *newest;
    const char  *why;

    (void) ll_keys_dead(key, k);

    args_lit(&report->args, "XLEN");
    args_adds(&report->args, key);

    reply = cli_report_call(report, "dead");

    if (reply && reply->integer) {
        why = cli_doctor_queues_why(report, key, &newest);
        cli_report_add(report, CLI_REPORT_ADVICE, "dead",
                       "%u: %lld requests given up, whose senders believe "
                       "that they are on their way; the newest one \"%.200s\":"
                       " see \"leaseloft dead list\"", k, reply->integer, why);
        freeReplyObject(newest);

    } else if (reply && k == 0) {
        cli_report_add(report, CLI_REPORT_FINE, "dead",
                       "%u: none", k);
    }

    freeReplyObject(reply);
}


/* 1 if the server is the one that has the lane of searches */
static int
cli_doctor_queues_has_lane(const cli_report_t *report)
{
    char              key[LL_KEY_MAX];
    size_t            len;
    const ll_slots_t *slots;

    if (report->cli->cluster == NULL) {
        return 1;
    }

    slots = cluster_slots(report->cli->cluster);
    len = ll_keys_search(key);

    return ll_slots_home(slots, (unsigned) ll_slots_node(slots,
                                                         ll_slots_of(key, len)))
           == (int) report->home;
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
                       "no worker takes searches, which get a 503: start one "
                       "with --searchers");
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
        if (!((report->queues >> k) & 1)) {
            continue;
        }

        cli_doctor_queues_queue(report, workers, k);
        cli_doctor_queues_dead(report, k);
    }

    if (cli_doctor_queues_has_lane(report)) {
        cli_doctor_queues_search(report);
    }
}
