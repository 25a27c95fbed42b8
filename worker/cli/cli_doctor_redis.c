
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

    if (cli_redis_number(info, "cluster_enabled") && !report->cli->cluster) {
        cli_report_add(report, CLI_REPORT_FAULT, "role",
                       "this Redis is part of a cluster: give nginx, workers "
                       "and this command its URL, redis+cluster://");
    }
}


static void
cli_doctor_redis_persistence(cli_report_t *report, const char *info)
{
    char         status[64];
    redisReply  *sync;
    const char  *value;

    if (cli_redis_number(info, "aof_enabled") == 0) {
        cli_report_add(report, CLI_REPORT_FAULT, "persistence",
                       "threads are not persistent: set \"appendonly yes\"");
    }

    value = cli_report_config(report, "persistence", "appendfsync",
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

    cli_redis_value(info, '\n', "aof_last_bgrewrite_status", status,
                    sizeof(status));

    if (status[0] && strcmp(status, "ok") != 0) {
        cli_report_add(report, CLI_REPORT_FAULT, "rewrites",
                       "the last rewrite of the append-only file failed, so "
                       "it grows until the disk is full: see Redis's log, free "
                       "disk and memory, then run \"BGREWRITEAOF\"");
    }

    if (cli_redis_number(info, "loading")) {
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

    value = cli_report_config(report, "rewrites",
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
                       "Redis may evict threads, which are lost then: set "
                       "\"maxmemory-policy noeviction\"");

    } else {
        cli_report_add(report, CLI_REPORT_FINE, "eviction",
                       "noeviction");
    }

    used = cli_redis_number(info, "used_memory");
    max = cli_redis_number(info, "maxmemory");

    if (max == 0) {
        cli_report_add(report, CLI_REPORT_ADVICE, "memory",
                       "%lld MiB used, no limit, so the kernel kills Redis "
                       "when memory is short: set \"maxmemory\"", used >> 20);

    } else {
        cli_report_add(report, used > max / 10 * 9 ? CLI_REPORT_FAULT
                               : used > max / 10 * 7 ? CLI_REPORT_ADVICE
                               : CLI_REPORT_FINE, "memory",
                       "%lld of %lld MiB used%s", used >> 20, max >> 20,
                       used > max / 10 * 7 ? ", and a full Redis refuses all "
                                             "messages: raise \"maxmemory\""
                                           : "");
    }
}


/* "… pubsub 33554432 8388608 60"; 0 means no limit */
static void
cli_doctor_redis_buffers(cli_report_t *report)
{
    long long    hard, soft;
    redisReply  *reply;
    const char  *value;

    value = cli_report_config(report, "buffers",
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

    now = cli_redis_number(info, "connected_clients");
    max = cli_redis_number(info, "maxclients");

    if (now > max / 10 * 9) {
        cli_report_add(report, CLI_REPORT_FAULT, "clients",
                       "%lld of %lld connections used, and nginx and workers "
                       "cannot connect without a free one: raise "
                       "\"maxclients\"", now, max);

    } else if (max < DOCTOR_CLIENTS) {
        cli_report_add(report, CLI_REPORT_ADVICE, "clients",
                       "only %lld connections, too few for many nginx and "
                       "workers: raise \"maxclients\" to %d",
                       max, DOCTOR_CLIENTS);

    } else {
        cli_report_add(report, CLI_REPORT_FINE, "clients", "%lld of %lld", now,
                       max);
    }
}


/* 1 if the user "default" is on and needs no password */
static int
cli_doctor_redis_open(const redisReply *user)
{
    int                open;
    size_t             i, j;
    const redisReply  *flags;

    open = 0;

    for (i = 0; user && i + 1 < user->elements; i += 2) {
        if (strcmp(cli_redis_text(user, i), "flags") != 0) {
            continue;
        }

        flags = user->element[i + 1];

        for (j = 0; j < flags->elements; j++) {
            open += strcmp(cli_redis_text(flags, j), "on") == 0
                    || strcmp(cli_redis_text(flags, j), "nopass") == 0;
        }
    }

    return open == 2;
}


/*
 * 1 if the user "default" may run all commands on all keys, even if it is off:
 * Redis loads the append-only file in its name, and leaves out the transactions
 * that it may not run
 */
static int
cli_doctor_redis_loads(const redisReply *user)
{
    int          rights;
    size_t       i;
    const char  *name, *value;

    rights = 0;

    for (i = 0; user && i + 1 < user->elements; i += 2) {
        name = cli_redis_text(user, i);
        value = cli_redis_text(user, i + 1);

        if (strcmp(name, "commands") == 0) {
            rights += strcmp(value, "+@all") == 0;

        } else if (strcmp(name, "keys") == 0) {
            rights += strcmp(value, "~*") == 0;
        }
    }

    return rights == 2;
}


/* who may connect without a password; a socket has the modes of files */
static void
cli_doctor_redis_default(cli_report_t *report, const char *info)
{
    redisReply  *user, *reply;
    const char  *mode;

    args_lit(&report->args, "ACL");
    args_lit(&report->args, "GETUSER");
    args_lit(&report->args, "default");

    user = cli_report_call(report, "access");

    if (user == NULL) {
        return;
    }

    if (!cli_doctor_redis_loads(user)) {
        cli_report_add(report, CLI_REPORT_FAULT, "access",
                       "Redis drops messages when it starts again, as it loads "
                       "its files with the rights of the user \"default\": set "
                       "\"user default off ~* &* +@all\" "
                       "(conf/leaseloft.acl), and do not run BGREWRITEAOF "
                       "before Redis has started again with it");

    } else if (!cli_doctor_redis_open(user)) {
        cli_report_add(report, CLI_REPORT_FINE, "access",
                       "the user \"default\" is off or has a password");

    } else if (cli_redis_number(info, "tcp_port") == 0) {
        cli_report_add(report, CLI_REPORT_FINE, "access",
                       "by Redis's socket only");

    } else {
        mode = cli_report_config(report, "access", "protected-mode", "yes",
                                 &reply);

        cli_report_add(report, mode && strcmp(mode, "no") == 0
                               ? CLI_REPORT_FAULT : CLI_REPORT_ADVICE,
                       "access",
                       "whoever reaches port %lld may read and delete all "
                       "messages, as the user \"default\" needs no password: "
                       "set \"user default off ~* &* +@all\" "
                       "(conf/leaseloft.acl)",
                       cli_redis_number(info, "tcp_port"));
        freeReplyObject(reply);
    }

    freeReplyObject(user);
}


/* 1 if fewer replicas are connected than a write requires */
static int
cli_doctor_redis_replicas(cli_report_t *report, const char *info)
{
    char         good[32];
    long long    wanted;
    redisReply  *reply;
    const char  *value;

    /* absent unless replicas are required */

    cli_redis_value(info, '\n', "min_slaves_good_slaves", good, sizeof(good));

    if (good[0] == '\0') {
        return 0;
    }

    value = cli_report_config(report, "role", "min-replicas-to-write", NULL,
                              &reply);
    wanted = value ? strtoll(value, NULL, 10) : 0;
    freeReplyObject(reply);

    return strtoll(good, NULL, 10) < wanted;
}


/* of a primary of a cluster, which is to have one that can take over */
static void
cli_doctor_redis_replicated(cli_report_t *report, const char *info)
{
    unsigned     n;
    const char  *p;

    n = 0;

    for (p = strstr(info, ",state=online,"); p;
         p = strstr(p + 1, ",state=online,"))
    {
        n++;
    }

    if (n == 0) {
        cli_report_add(report, CLI_REPORT_ADVICE, "replicas",
                       "none is connected, so nothing takes over if it is "
                       "lost: start its replica, or add one "
                       "(\"redis-cli --cluster add-node --cluster-slave\")");

    } else {
        cli_report_add(report, CLI_REPORT_FINE, "replicas", "%u", n);
    }
}


const char *
cli_doctor_redis_refuses(cli_report_t *report, const char *info)
{
    char       role[64], status[64];
    long long  used, max;

    cli_redis_value(info, '\n', "role", role, sizeof(role));
    cli_redis_value(info, '\n', "aof_last_write_status", status,
                    sizeof(status));

    used = cli_redis_number(info, "used_memory")
           - cli_redis_number(info, "mem_not_counted_for_evict");
    max = cli_redis_number(info, "maxmemory");

    return strcmp(role, "master") != 0 ? "it is a replica"
           : max && used > max ? "its memory is full (see \"memory\")"
           : status[0] && strcmp(status, "ok") != 0
             ? "it cannot write its append-only file (see \"persistence\")"
           : cli_doctor_redis_replicas(report, info)
             ? "fewer replicas are connected than \"min-replicas-to-write\""
           : NULL;
}


void
cli_doctor_redis(cli_report_t *report, const char *info)
{
    cli_doctor_redis_version(report, info);

    if (report->cli->cluster != NULL) {
        cli_doctor_redis_replicated(report, info);
    }

    cli_doctor_redis_persistence(report, info);
    cli_doctor_redis_rewrites(report);
    cli_doctor_redis_memory(report, info);
    cli_doctor_redis_buffers(report);
    cli_doctor_redis_clients(report, info);
    cli_doctor_redis_default(report, info);
}
