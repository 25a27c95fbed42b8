
/*
 * leaseloft doctor: is this Redis fit to be the only place where threads are
 * kept, and are workers keeping up?
 *
 * A finding is fine, a piece of advice, or a fault: something that loses
 * messages or stops the service.  Only faults make the exit status 1.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_doctor.h"
#include "clock.h"
#include "json.h"


#define DOCTOR_LAG          1000       /* requests */
#define DOCTOR_IDLE_MS      10000      /* twice what a claim takes */


static const char  *doctor_levels[] = { "ok", "advice", "fault" };


void
doctor_say(doctor_t *doctor, doctor_level_e level, const char *check,
    const char *fmt, ...)
{
    char     text[512], head[64];
    buf_t   *out = &doctor->out;
    va_list  args;

    va_start(args, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);

    doctor->faults += level == DOCTOR_FAULT;

    if (!doctor->cli->json) {
        (void) snprintf(head, sizeof(head), "%-8s%-13s", doctor_levels[level],
                        check);
        buf_adds(out, head);
        buf_adds(out, text);
        buf_lit(out, "\n");
        return;
    }

    buf_adds(out, doctor->n++ ? ",{\"check\":" : "{\"check\":");
    json_strings(out, check);
    buf_lit(out, ",\"level\":");
    json_strings(out, doctor_levels[level]);
    buf_lit(out, ",\"detail\":");
    json_strings(out, text);
    buf_lit(out, "}");
}


redisReply *
doctor_ask(doctor_t *doctor, const char *check)
{
    conn_t      *conn = doctor->cli->conn;
    redisReply  *reply;

    reply = conn_call(conn, &doctor->args);
    args_reset(&doctor->args);

    if (reply == NULL) {
        doctor_say(doctor, DOCTOR_FAULT, check, "Redis does not answer: %s",
                   conn_error(conn));

    } else if (reply->type == REDIS_REPLY_ERROR) {
        doctor_say(doctor, DOCTOR_ADVICE, check, "cannot be checked: %s",
                   reply->str);
        freeReplyObject(reply);
        reply = NULL;
    }

    return reply;
}


/* 1 if they are there: else the workers' heartbeats cannot be asked for */
static int
doctor_functions(doctor_t *doctor)
{
    int          loaded;
    redisReply  *reply;

    args_lit(&doctor->args, "FUNCTION");
    args_lit(&doctor->args, "LIST");
    args_lit(&doctor->args, "LIBRARYNAME");
    args_lit(&doctor->args, LL_LIBRARY);

    reply = doctor_ask(doctor, "functions");

    if (reply && reply->elements == 0) {
        doctor_say(doctor, DOCTOR_FAULT, "functions",
                   "\"%s\" is not loaded: start a worker, which loads it",
                   LL_LIBRARY);

    } else if (reply) {
        doctor_say(doctor, DOCTOR_FINE, "functions", LL_LIBRARY);
    }

    loaded = reply && reply->elements;
    freeReplyObject(reply);

    return loaded;
}


long long
doctor_field(const redisReply *list, const char *name)
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


/* how long the oldest pending request has been left alone, or 0 */
static long long
doctor_idle(doctor_t *doctor, const char *key)
{
    long long    idle;
    redisReply  *reply;

    args_lit(&doctor->args, "XPENDING");
    args_adds(&doctor->args, key);
    args_lit(&doctor->args, LL_QUEUE_GROUP);
    args_lit(&doctor->args, "-");
    args_lit(&doctor->args, "+");
    args_lit(&doctor->args, "1");

    reply = doctor_ask(doctor, "queue");

    if (conn_number(conn_element(conn_element(reply, 0), 2), &idle) != 0) {
        idle = 0;
    }

    freeReplyObject(reply);

    return idle;
}


/* the requests in a queue, or -1: it is not there */
static long long
doctor_requests(doctor_t *doctor, unsigned k)
{
    char         key[LL_KEY_MAX];
    long long    n;
    redisReply  *reply;

    (void) ll_keys_queue(key, k);

    args_lit(&doctor->args, "EXISTS");
    args_adds(&doctor->args, key);

    reply = doctor_ask(doctor, "queue");
    n = reply && reply->integer ? 0 : -1;
    freeReplyObject(reply);

    if (n == -1) {
        return -1;
    }

    args_lit(&doctor->args, "XLEN");
    args_adds(&doctor->args, key);

    reply = doctor_ask(doctor, "queue");
    n = reply ? reply->integer : -1;
    freeReplyObject(reply);

    return n;
}


/* whether somebody reads it is known where workers have been heard of */
static void
doctor_queue(doctor_t *doctor, unsigned k)
{
    char               key[LL_KEY_MAX];
    long long          lag, pending, idle, waiting;
    redisReply        *reply;
    const redisReply  *group;

    waiting = doctor_requests(doctor, k);

    if (waiting == -1) {
        return;
    }

    if (doctor->workers && !((doctor->reads >> k) & 1)) {
        doctor_say(doctor, waiting ? DOCTOR_FAULT : DOCTOR_ADVICE, "queue",
                   "%u: no worker reads it, %lld requests wait: start one of "
                   "this version", k, waiting);
        return;
    }

    (void) ll_keys_queue(key, k);

    args_lit(&doctor->args, "XINFO");
    args_lit(&doctor->args, "GROUPS");
    args_adds(&doctor->args, key);

    reply = doctor_ask(doctor, "queue");
    group = conn_element(reply, 0);

    if (reply && group == NULL) {
        doctor_say(doctor, DOCTOR_FAULT, "queue",
                   "%u: nobody has ever read it: start a worker", k);
    }

    if (group) {
        lag = doctor_field(group, "lag");
        pending = doctor_field(group, "pending");
        idle = pending > 0 ? doctor_idle(doctor, key) : 0;

        if (idle > DOCTOR_IDLE_MS) {
            doctor_say(doctor, DOCTOR_FAULT, "queue",
                       "%u: %lld requests taken and not finished, the oldest "
                       "%lld s ago: see the workers' logs", k, pending,
                       idle / 1000);

        } else if (lag > DOCTOR_LAG) {
            doctor_say(doctor, DOCTOR_ADVICE, "queue",
                       "%u: %lld requests wait: start more workers", k, lag);

        } else {
            doctor_say(doctor, DOCTOR_FINE, "queue",
                       "%u: %lld wait, %lld in hand", k, lag < 0 ? 0 : lag,
                       pending);
        }
    }

    freeReplyObject(reply);
}


static void
doctor_dead(doctor_t *doctor, unsigned k)
{
    char         key[LL_KEY_MAX];
    redisReply  *reply;

    (void) ll_keys_dead(key, k);

    args_lit(&doctor->args, "XLEN");
    args_adds(&doctor->args, key);

    reply = doctor_ask(doctor, "dead");

    if (reply && reply->integer) {
        doctor_say(doctor, DOCTOR_ADVICE, "dead",
                   "%u: %lld requests given up: see \"leaseloft dead list\"",
                   k, reply->integer);

    } else if (reply && k == 0) {
        doctor_say(doctor, DOCTOR_FINE, "dead", "%u: none", k);
    }

    freeReplyObject(reply);
}


/* --- all of it --- */

static void
doctor_run(doctor_t *doctor)
{
    unsigned  k;

    doctor_redis(doctor);

    if (doctor_functions(doctor)) {
        doctor_workers(doctor);

    } else {
        doctor_refusals(doctor);
    }

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        doctor_queue(doctor, k);
        doctor_dead(doctor, k);
    }
}


int
cli_doctor(cli_t *cli)
{
    doctor_t  doctor;

    memset(&doctor, 0, sizeof(doctor_t));
    doctor.cli = cli;

    if (cli_redis_connect(cli) != 0) {
        return CLI_FAILED;
    }

    args_lit(&doctor.args, "INFO");

    doctor.info = cli_redis_call(cli, &doctor.args);

    if (doctor.info == NULL || doctor.info->str == NULL) {
        freeReplyObject(doctor.info);
        args_free(&doctor.args);
        return CLI_FAILED;
    }

    if (cli->json) {
        buf_lit(&doctor.out, "{\"checks\":[");
    }

    doctor_run(&doctor);

    if (cli->json) {
        buf_lit(&doctor.out, "],\"faults\":");
        buf_number(&doctor.out, doctor.faults);
        buf_lit(&doctor.out, "}");

    } else if (doctor.faults) {
        buf_number(&doctor.out, doctor.faults);
        buf_lit(&doctor.out, " to change");

    } else {
        buf_lit(&doctor.out, "nothing has to be changed");
    }

    if (cli_print(&doctor.out) != CLI_OK) {
        doctor.faults++;
    }

    freeReplyObject(doctor.info);
    args_free(&doctor.args);
    buf_free(&doctor.out);

    return doctor.faults ? CLI_FAILED : CLI_OK;
}
