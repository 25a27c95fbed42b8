
/*
 * The checks of "leaseloft doctor" of workers and nginx processes: of the
 * records that they write to Redis, and of ACL LOG.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_doctor_workers.h"
#include "cli_redis.h"
#include "clock.h"
#include "common/version.h"
#include "store_library.h"


#define DOCTOR_SKEW_MS      1000

/* a worker sends a heartbeat each second, and counts as dead after 3 */
#define DOCTOR_ALIVE_MS     3000

/* nginx writes its record every 10 seconds */
#define DOCTOR_NGINX_MS     30000
#define DOCTOR_NGINX_MAX    "1000"

/* descriptors of nginx that are none of connections, at most */
#define DOCTOR_FILES        32

/* entries of ACL LOG, and their maximum age in seconds */
#define DOCTOR_REFUSALS     "32"
#define DOCTOR_REFUSED_S    60

#define DOCTOR_TEXT         256


/* checks the record of a worker: its rights and its queues */
static void
cli_doctor_workers_one(cli_report_t *report, cli_doctor_workers_t *workers,
    const char *name, const char *record)
{
    char  refused[DOCTOR_TEXT], reads[32];

    cli_redis_value(record, ' ', "refused", refused, sizeof(refused));
    cli_redis_value(record, ' ', "reads", reads, sizeof(reads));

    if (refused[0] != '\0') {
        cli_report_add(report, CLI_REPORT_FAULT, "workers",
                       "%s takes no requests: allow its user in Redis to run "
                       "%s (docs/redis.md)", name, refused);
        return;
    }

    workers->n++;

    /* a former version has no such value */
    workers->queues |= reads[0] ? strtoull(reads, NULL, 16) : ~UINT64_C(0);
}


/* the value of a name in an entry of ACL LOG, or of a stream; "" */
static const char *
cli_doctor_workers_logged(const redisReply *entry, const char *name)
{
    size_t  i;

    for (i = 0; entry && i + 1 < entry->elements; i += 2) {
        if (strcmp(cli_redis_text(entry, i), name) == 0) {
            return cli_redis_text(entry, i + 1);
        }
    }

    return "";
}


/* formats who was refused what; -1 if it is too old, else 0 */
static int
cli_doctor_workers_refusal(const redisReply *entry, char *line, size_t size)
{
    const char  *age, *reason, *user;

    age = cli_doctor_workers_logged(entry, "age-seconds");
    reason = cli_doctor_workers_logged(entry, "reason");
    user = cli_doctor_workers_logged(entry, "username");

    if (age[0] == '\0' || strtod(age, NULL) > DOCTOR_REFUSED_S) {
        return -1;
    }

    if (strcmp(reason, "auth") == 0) {
        (void) snprintf(line, size, "user \"%.64s\": wrong password", user);

    } else {
        (void) snprintf(line, size, "user \"%.64s\": %.16s \"%.64s\"", user,
                        reason, cli_doctor_workers_logged(entry, "object"));
    }

    return 0;
}


int
cli_doctor_workers_refusals(cli_report_t *report)
{
    int          n;
    char         line[DOCTOR_TEXT];
    buf_t        text = BUF_INIT;
    size_t       i;
    redisReply  *reply;

    args_lit(&report->args, "ACL");
    args_lit(&report->args, "LOG");
    args_lit(&report->args, DOCTOR_REFUSALS);

    reply = cli_report_call(report, "refusals");
    n = 0;

    for (i = 0; reply && i < reply->elements; i++) {
        if (cli_doctor_workers_refusal(conn_element(reply, i), line,
                                       sizeof(line))
            == -1
            || (text.data && strstr(text.data, line)))
        {
            continue;
        }

        buf_adds(&text, n++ ? "; " : "");
        buf_adds(&text, line);
    }

    freeReplyObject(reply);

    if (n && !buf_failed(&text)) {
        cli_report_add(report, CLI_REPORT_FAULT, "refusals",
                       "Redis refused in the last minute: %s", text.data);
    }

    buf_free(&text);

    return n != 0;
}


/*
 * Workers whose record is there without a heartbeat: they hang or were killed,
 * as one that stops deletes its record.  Others delete it after a minute.
 */
static void
cli_doctor_workers_silent(cli_report_t *report, long long now, int others)
{
    char         key[LL_KEY_MAX];
    size_t       i;
    long long    age;
    redisReply  *reply;

    (void) ll_keys_workers(key, report->home);

    args_lit(&report->args, "HGETALL");
    args_adds(&report->args, key);

    reply = cli_report_call(report, "workers");

    for (i = 0; reply && i + 1 < reply->elements; i += 2) {
        age = now - strtoll(cli_redis_text(reply, i + 1), NULL, 10);

        if (age > DOCTOR_ALIVE_MS) {
            cli_report_add(report, others ? CLI_REPORT_ADVICE
                                          : CLI_REPORT_FAULT, "workers",
                           "%s hangs or was killed, its last heartbeat is "
                           "%lld s old, and what it had taken waits for "
                           "others: see its log, and restart it",
                           cli_redis_text(reply, i), age / 1000);
        }
    }

    freeReplyObject(reply);
}


/* the last ones are not for streams (ngx_leaseloft_capacity.c) */
static void
cli_doctor_workers_connections(cli_report_t *report, const redisReply *fields,
    const char *pid)
{
    long long  free, max, files;

    free = cli_report_field(fields, "free");
    max = cli_report_field(fields, "connections");
    files = cli_report_field(fields, "files");

    if (max > 0 && free >= 0 && free < max / 10) {
        cli_report_add(report, free < max / 50 ? CLI_REPORT_FAULT
                                               : CLI_REPORT_ADVICE,
                       "connections",
                       "process %s of nginx has %lld of %lld connections free, "
                       "and refuses streams when few are left: raise %s",
                       pid, free, max,
                       files > 0 && files <= max + DOCTOR_FILES
                       ? "\"worker_rlimit_nofile\", which allows no more"
                       : "\"worker_connections\", and "
                         "\"worker_rlimit_nofile\" above it");
    }
}


/* checks the newest record of a process; library is what Redis has, or 0 */
static void
cli_doctor_workers_process(cli_report_t *report, const redisReply *fields,
    const char *pid, long library)
{
    long long    needed;
    const char  *version;

    cli_doctor_workers_connections(report, fields, pid);

    version = cli_doctor_workers_logged(fields, "version");
    needed = cli_report_field(fields, "library");

    /* later functions serve it too; a former version does not say */

    if (library && needed > library) {
        cli_report_add(report, CLI_REPORT_FAULT, "versions",
                       "process %s of nginx is built for functions of revision "
                       "%lld, Redis has %ld, and requests that need a newer "
                       "one fail: start a worker of version \"%s\", which "
                       "loads them", pid, needed, library, version);
    }

    if (version[0] && strcmp(version, LEASELOFT_VERSION) != 0) {
        cli_report_add(report, CLI_REPORT_ADVICE, "versions",
                       "process %s of nginx has version \"%s\", this command "
                       "has \"" LEASELOFT_VERSION "\", and only equal ones are "
                       "tested together: upgrade all", pid, version);
    }
}


/*
 * Checks the newest record of each nginx process, and sets the smallest and the
 * largest number of their queues.
 */
static void
cli_doctor_workers_nginx(cli_report_t *report, long library, long long now,
    long long *least, long long *most)
{
    char               key[LL_KEY_MAX], name[LL_ID_MAX + 3];
    buf_t              names = BUF_INIT;
    size_t             i, n;
    long long          queues;
    redisReply        *reply;
    const redisReply  *fields;

    (void) ll_keys_nginx(key, report->home);

    args_lit(&report->args, "XREVRANGE");
    args_adds(&report->args, key);
    args_lit(&report->args, "+");
    args_number(&report->args, now - DOCTOR_NGINX_MS);
    args_lit(&report->args, "COUNT");
    args_lit(&report->args, DOCTOR_NGINX_MAX);

    reply = cli_report_call(report, "nginx");
    n = 0;
    *least = LL_QUEUES_MAX + 1;
    *most = 0;

    for (i = 0; reply && i < reply->elements; i++) {
        fields = conn_element(conn_element(reply, i), 1);
        queues = cli_report_field(fields, "queues");

        (void) snprintf(name, sizeof(name), " %.*s ", LL_ID_MAX,
                        cli_doctor_workers_logged(fields, "name"));

        if (queues <= 0 || (names.data && strstr(names.data, name))) {
            continue;
        }

        *least = queues < *least ? queues : *least;
        *most = queues > *most ? queues : *most;
        n++;

        buf_adds(&names, name);
        cli_doctor_workers_process(report, fields,
                                   cli_doctor_workers_logged(fields, "pid"),
                                   library);
    }

    if (reply && n == 0) {
        cli_report_add(report, CLI_REPORT_ADVICE, "nginx",
                       "no process has written its record for %d seconds, so "
                       "none may run: start nginx, or see its error log",
                       DOCTOR_NGINX_MS / 1000);
    }

    freeReplyObject(reply);
    buf_free(&names);
}


/* compares the record of a worker with this command */
static void
cli_doctor_workers_version(cli_report_t *report, const char *name,
    const char *record)
{
    char  version[64], library[32];

    cli_redis_value(record, ' ', "version", version, sizeof(version));
    cli_redis_value(record, ' ', "library", library, sizeof(library));

    if (version[0] && strcmp(version, LEASELOFT_VERSION) != 0) {
        cli_report_add(report, CLI_REPORT_ADVICE, "versions",
                       "worker %s has version \"%s\", this command has \""
                       LEASELOFT_VERSION "\", and only equal ones are tested "
                       "together: upgrade all", name, version);

    } else if (library[0]
               && strtol(library, NULL, 10) != store_library_revision())
    {
        cli_report_add(report, CLI_REPORT_ADVICE, "versions",
                       "worker %s has functions of revision %s, this command "
                       "has %ld: install the same build for all", name,
                       library, store_library_revision());
    }
}


/* reports different numbers of queues, and different versions */
static void
cli_doctor_workers_compare(cli_report_t *report, const redisReply *list,
    long long least, long long most)
{
    char         queues[32];
    size_t       i;
    long long    n;
    const char  *name;

    if (least < most && report->cli->cluster == NULL) {
        cli_report_add(report, CLI_REPORT_ADVICE, "queues",
                       "nginx processes have %lld to %lld: configure the "
                       "same leaseloft_queues", least, most);
    }

    for (i = 0; list && i + 1 < list->elements; i += 2) {
        name = cli_redis_text(list, i);

        cli_redis_value(cli_redis_text(list, i + 1), ' ', "queues", queues,
                        sizeof(queues));
        n = strtoll(queues, NULL, 10);

        /* without effect in a cluster */

        if (n && most && n != most && report->cli->cluster == NULL) {
            cli_report_add(report, CLI_REPORT_ADVICE, "queues",
                           "nginx has %lld (leaseloft_queues), worker %s has "
                           "%lld (--queues): give both the same", most, name,
                           n);
        }

        cli_doctor_workers_version(report, name, cli_redis_text(list, i + 1));
    }
}


static void
cli_doctor_workers_clock(cli_report_t *report, long long now)
{
    long long  skew;

    skew = llabs(now - clock_now());

    if (skew > DOCTOR_SKEW_MS) {
        cli_report_add(report, CLI_REPORT_ADVICE, "clock",
                       "the clocks of this machine and of Redis differ by "
                       "%lld ms: synchronize them by NTP", skew);
    }
}


void
cli_doctor_workers(cli_report_t *report, cli_doctor_workers_t *workers)
{
    char               key[LL_KEY_MAX];
    size_t             i;
    long long          now, n, least, most;
    redisReply        *reply;
    const redisReply  *list;

    (void) ll_keys_workers(key, report->home);

    args_lit(&report->args, "FCALL_RO");
    args_lit(&report->args, LL_FUNCTION "health");
    args_lit(&report->args, "1");
    args_adds(&report->args, key);

    reply = cli_report_call(report, "workers");

    if (conn_number(conn_element(reply, 0), &now) != 0
        || conn_number(conn_element(reply, 1), &n) != 0)
    {
        freeReplyObject(reply);
        return;
    }

    list = conn_element(reply, 2);

    for (i = 0; list && i + 1 < list->elements; i += 2) {
        cli_doctor_workers_one(report, workers, cli_redis_text(list, i),
                               cli_redis_text(list, i + 1));
    }

    if (workers->refuses == NULL) {
        cli_doctor_workers_silent(report, now, workers->n > 0);
    }

    if (n == 0 && workers->refuses) {
        cli_report_add(report, CLI_REPORT_FAULT, "workers",
                       "no heartbeat, as Redis refuses all writes: %s, which "
                       "workers notice by themselves once it is mended",
                       workers->refuses);

    } else if (n == 0 && !cli_doctor_workers_refusals(report)) {
        cli_report_add(report, CLI_REPORT_FAULT, "workers",
                       "no heartbeat, so requests wait and lapse: start "
                       "\"leaseloft-worker\", or see its log");

    } else if (n == 0) {
        cli_report_add(report, CLI_REPORT_FAULT, "workers",
                       "no heartbeat, so requests wait: see \"refusals\" and "
                       "the logs of workers");

    } else if (workers->n) {
        cli_report_add(report, CLI_REPORT_FINE, "workers",
                       "%lld", workers->n);
    }

    cli_doctor_workers_nginx(report, workers->library, now, &least, &most);
    cli_doctor_workers_compare(report, list, least, most);
    cli_doctor_workers_clock(report, now);

    freeReplyObject(reply);
}
