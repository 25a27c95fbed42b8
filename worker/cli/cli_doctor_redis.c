
/*
 * The checks of "leaseloft doctor" of Redis: whether its settings are those of
 * the shipped redis.conf, or as safe.
 *
 * A managed Redis, or the rights of a user, may lack CONFIG: what INFO has is
 * taken from there, and of other settings it is said that they are not checked.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_doctor_redis.h"
#include "cli_redis.h"


#define DOCTOR_REDIS        7          /* the first with functions */
#define DOCTOR_PUBSUB_HARD  33554432   /* bytes: Redis's own default */
#define DOCTOR_PUBSUB_SOFT  8388608
#define DOCTOR_CLIENTS      1000


static long long
cli_doctor_redis_info_number(const char *info, const char *name)
{
    char  value[64];

    cli_redis_value(info, '\n', name, value, sizeof(value));

    return strtoll(value, NULL, 10);
}


/*
 * A configuration value, owned by *reply, or NULL after advice to compare it
 * with what is wanted.
 */
static const char *
cli_doctor_redis_config(cli_report_t *report, const char *check,
    const char *name, const char *wanted, redisReply **reply)
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

    cli_report_add(report, CLI_REPORT_ADVICE, check,
                   "\"%s\" cannot be checked, see that it is \"%s\": %s", name,
                   wanted, *reply ? "Redis does not tell it"
                                  : report->cli->why);

    return NULL;
}


static void
cli_doctor_redis_version(cli_report_t *report, const char *info)
{
    char  version[64], role[64];

    cli_redis_value(info, '\n', "redis_version", version, sizeof(version));
    cli_redis_value(info, '\n', "role", role, sizeof(role));

    if (strtol(version, NULL, 10) < DOCTOR_REDIS) {
        cli_report_add(report, CLI_REPORT_FAULT, "version",
                       "Redis %s has no functions: install 7.0 or newer",
                       version);
    } else {
        cli_report_add(report, CLI_REPORT_FINE, "version",
                       "Redis %s", version);
    }

    if (strcmp(role, "master") != 0) {
        cli_report_add(report, CLI_REPORT_FAULT, "role",
                       "this Redis is a replica: connect to the master");
    }

    if (cli_doctor_redis_info_number(info, "cluster_enabled")) {
        cli_report_add(report, CLI_REPORT_FAULT, "role",
                       "this Redis is part of a cluster, which is not "
                       "supported");
    }
}


static void
cli_doctor_redis_persistence(cli_report_t *report, const char *info)
{
    char         status[64];
    redisReply  *sync;
    const char  *value;

    if (cli_doctor_redis_info_number(info, "aof_enabled") == 0) {
        cli_report_add(report, CLI_REPORT_FAULT, "persistence",
                       "threads are not persistent: set \"appendonly yes\"");
    }

    value = cli_doctor_redis_config(report, "persistence", "appendfsync",
                                    "always", &sync);

    if (value && strcmp(value, "no") == 0) {
        cli_report_add(report, CLI_REPORT_FAULT, "persistence",
                       "a power failure loses messages answered 201: set "
                       "\"appendfsync always\"");

    } else if (value && strcmp(value, "always") != 0) {
        cli_report_add(report, CLI_REPORT_ADVICE, "persistence",
                       "a power failure may lose the last second of "
                       "messages answered 201: set \"appendfsync always\"");

    } else if (value) {
        cli_report_add(report, CLI_REPORT_FINE, "persistence",
                       "appendfsync always");
    }

    freeReplyObject(sync);

    cli_redis_value(info, '\n', "aof_last_write_status", status,
                    sizeof(status));

    if (status[0] && strcmp(status, "ok") != 0) {
        cli_report_add(report, CLI_REPORT_FAULT, "persistence",
                       "the append-only file cannot be written: check the "
                       "space on disk");
    }

    if (cli_doctor_redis_info_number(info, "loading")) {
        cli_report_add(report, CLI_REPORT_FAULT, "persistence",
                       "Redis is still loading its data: wait");
    }
}


/* a backup that was killed leaves them disabled */
static void
cli_doctor_redis_rewrites(cli_report_t *report)
{
    redisReply  *reply;
    const char  *value;

    value = cli_doctor_redis_config(report, "rewrites",
                                    "auto-aof-rewrite-percentage", "100",
                                    &reply);

    if (value && strcmp(value, "0") == 0) {
        cli_report_add(report, CLI_REPORT_ADVICE, "rewrites",
                       "the append-only file is never rewritten: set "
                       "\"auto-aof-rewrite-percentage 100\", unless a backup "
                       "is running");
    }

    freeReplyObject(reply);
}


static void
cli_doctor_redis_memory(cli_report_t *report, const char *info)
{
    char       policy[64];
    long long  used, max;

    cli_redis_value(info, '\n', "maxmemory_policy", policy, sizeof(policy));

    if (strcmp(policy, "noeviction") != 0) {
        cli_report_add(report, CLI_REPORT_FAULT, "eviction",
                       "Redis may evict threads: set \"maxmemory-policy "
                       "noeviction\"");

    } else {
        cli_report_add(report, CLI_REPORT_FINE, "eviction",
                       "noeviction");
    }

    used = cli_doctor_redis_info_number(info, "used_memory");
    max = cli_doctor_redis_info_number(info, "maxmemory");

    if (max == 0) {
        cli_report_add(report, CLI_REPORT_ADVICE, "memory",
                       "%lld MiB used, no limit: set \"maxmemory\" to the "
                       "memory available", used >> 20);

    } else {
        cli_report_add(report, used > max / 10 * 9 ? CLI_REPORT_FAULT
                               : used > max / 10 * 7 ? CLI_REPORT_ADVICE
                               : CLI_REPORT_FINE, "memory",
                       "%lld of %lld MiB used%s", used >> 20, max >> 20,
                       used > max / 10 * 7 ? ": raise \"maxmemory\"" : "");
    }
}


/* "… pubsub 33554432 8388608 60"; 0 means no limit */
static void
cli_doctor_redis_buffers(cli_report_t *report)
{
    long long    hard, soft;
    redisReply  *reply;
    const char  *value;

    value = cli_doctor_redis_config(report, "buffers",
                                    "client-output-buffer-limit",
                                    "pubsub 64mb 32mb 30", &reply);
    value = value ? strstr(value, "pubsub ") : NULL;

    if (value && sscanf(value, "pubsub %lld %lld", &hard, &soft) == 2) {
        if ((hard && hard < DOCTOR_PUBSUB_HARD)
            || (soft && soft < DOCTOR_PUBSUB_SOFT))
        {
            cli_report_add(report, CLI_REPORT_ADVICE, "buffers",
                           "a burst may close subscriptions of nginx: set "
                           "\"client-output-buffer-limit pubsub 64mb 32mb "
                           "30\"");

        } else if (hard == 0 && soft == 0) {
            cli_report_add(report, CLI_REPORT_ADVICE, "buffers",
                           "a stalled subscriber may fill the memory: set "
                           "\"client-output-buffer-limit pubsub 64mb 32mb "
                           "30\"");

        } else {
            cli_report_add(report, CLI_REPORT_FINE, "buffers",
                           "pubsub %lld MiB, %lld MiB", hard >> 20,
                           soft >> 20);
        }
    }

    freeReplyObject(reply);
}


static void
cli_doctor_redis_clients(cli_report_t *report, const char *info)
{
    long long  max, now;

    now = cli_doctor_redis_info_number(info, "connected_clients");
    max = cli_doctor_redis_info_number(info, "maxclients");

    if (now > max / 10 * 9) {
        cli_report_add(report, CLI_REPORT_FAULT, "clients",
                       "%lld of %lld connections used: raise "
                       "\"maxclients\"", now, max);

    } else if (max < DOCTOR_CLIENTS) {
        cli_report_add(report, CLI_REPORT_ADVICE, "clients",
                       "only %lld connections: raise \"maxclients\" to %d",
                       max, DOCTOR_CLIENTS);

    } else {
        cli_report_add(report, CLI_REPORT_FINE, "clients", "%lld of %lld", now,
                       max);
    }
}


void
cli_doctor_redis(cli_report_t *report, const char *info)
{
    cli_doctor_redis_version(report, info);
    cli_doctor_redis_persistence(report, info);
    cli_doctor_redis_rewrites(report);
    cli_doctor_redis_memory(report, info);
    cli_doctor_redis_buffers(report);
    cli_doctor_redis_clients(report, info);
}
