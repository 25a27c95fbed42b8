
/*
 * What "leaseloft doctor" asks about Redis itself: the settings of the shipped
 * redis.conf, or others that keep what it promises.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_doctor.h"


#define DOCTOR_REDIS        7          /* the first with functions */
#define DOCTOR_PUBSUB_HARD  33554432   /* bytes: Redis's own default */
#define DOCTOR_PUBSUB_SOFT  8388608
#define DOCTOR_CLIENTS      1000


/* a value of INFO copied to dst, "" where there is none */
static void
doctor_info(const doctor_t *doctor, const char *name, char *dst, size_t size)
{
    size_t       len;
    const char  *p;

    len = strlen(name);
    dst[0] = '\0';

    for (p = doctor->info->str; p; p = strchr(p, '\n')) {
        p += *p == '\n';

        if (strncmp(p, name, len) == 0 && p[len] == ':') {
            (void) snprintf(dst, size, "%.*s",
                            (int) strcspn(p + len + 1, "\r\n"), p + len + 1);
            return;
        }
    }
}


static long long
doctor_info_number(const doctor_t *doctor, const char *name)
{
    char  value[64];

    doctor_info(doctor, name, value, sizeof(value));

    return strtoll(value, NULL, 10);
}


/* a value of the configuration, to be freed as *reply; NULL if not known */
static const char *
doctor_config(doctor_t *doctor, const char *check, const char *name,
    redisReply **reply)
{
    const redisReply  *value;

    args_lit(&doctor->args, "CONFIG");
    args_lit(&doctor->args, "GET");
    args_adds(&doctor->args, name);

    *reply = doctor_ask(doctor, check);
    value = conn_element(*reply, 1);

    return value ? value->str : NULL;
}


static void
doctor_version(doctor_t *doctor)
{
    char  version[64], role[64];

    doctor_info(doctor, "redis_version", version, sizeof(version));
    doctor_info(doctor, "role", role, sizeof(role));

    if (strtol(version, NULL, 10) < DOCTOR_REDIS) {
        doctor_say(doctor, DOCTOR_FAULT, "version",
                   "Redis %s has no functions: install 7.0 or newer", version);
    } else {
        doctor_say(doctor, DOCTOR_FINE, "version", "Redis %s", version);
    }

    if (strcmp(role, "master") != 0) {
        doctor_say(doctor, DOCTOR_FAULT, "role",
                   "this Redis is a replica: connect to the master");
    }

    if (doctor_info_number(doctor, "cluster_enabled")) {
        doctor_say(doctor, DOCTOR_FAULT, "role",
                   "this Redis is part of a cluster: connect to one that is "
                   "not");
    }
}


static void
doctor_persistence(doctor_t *doctor)
{
    char         status[64];
    redisReply  *on, *sync;
    const char  *value;

    value = doctor_config(doctor, "persistence", "appendonly", &on);

    if (value && strcmp(value, "yes") != 0) {
        doctor_say(doctor, DOCTOR_FAULT, "persistence",
                   "threads are not kept: set \"appendonly yes\"");
    }

    freeReplyObject(on);

    value = doctor_config(doctor, "persistence", "appendfsync", &sync);

    if (value && strcmp(value, "no") == 0) {
        doctor_say(doctor, DOCTOR_FAULT, "persistence",
                   "a power cut loses what was answered 201: set "
                   "\"appendfsync always\"");

    } else if (value && strcmp(value, "always") != 0) {
        doctor_say(doctor, DOCTOR_ADVICE, "persistence",
                   "a power cut may lose about one second of what was "
                   "answered 201: set \"appendfsync always\"");

    } else if (value) {
        doctor_say(doctor, DOCTOR_FINE, "persistence", "appendfsync always");
    }

    freeReplyObject(sync);

    doctor_info(doctor, "aof_last_write_status", status, sizeof(status));

    if (status[0] && strcmp(status, "ok") != 0) {
        doctor_say(doctor, DOCTOR_FAULT, "persistence",
                   "the append-only file cannot be written: see that the disk "
                   "has room");
    }

    if (doctor_info_number(doctor, "loading")) {
        doctor_say(doctor, DOCTOR_FAULT, "persistence",
                   "Redis is still loading its data: wait");
    }
}


static void
doctor_memory(doctor_t *doctor)
{
    long long    used, max;
    redisReply  *reply;
    const char  *policy;

    policy = doctor_config(doctor, "eviction", "maxmemory-policy", &reply);

    if (policy && strcmp(policy, "noeviction") != 0) {
        doctor_say(doctor, DOCTOR_FAULT, "eviction",
                   "Redis may drop threads to make room: set "
                   "\"maxmemory-policy noeviction\"");

    } else if (policy) {
        doctor_say(doctor, DOCTOR_FINE, "eviction", "noeviction");
    }

    freeReplyObject(reply);

    used = doctor_info_number(doctor, "used_memory");
    max = doctor_info_number(doctor, "maxmemory");

    if (max == 0) {
        doctor_say(doctor, DOCTOR_ADVICE, "memory",
                   "%lld MiB used, no limit set: set \"maxmemory\" to what "
                   "the machine can spare", used >> 20);

    } else {
        doctor_say(doctor, used > max / 10 * 9 ? DOCTOR_FAULT
                           : used > max / 10 * 7 ? DOCTOR_ADVICE : DOCTOR_FINE,
                   "memory", "%lld of %lld MiB used%s", used >> 20, max >> 20,
                   used > max / 10 * 7 ? ": raise \"maxmemory\"" : "");
    }
}


/* "… pubsub 33554432 8388608 60": a limit of 0 is none */
static void
doctor_buffers(doctor_t *doctor)
{
    long long    hard, soft;
    redisReply  *reply;
    const char  *value;

    value = doctor_config(doctor, "buffers", "client-output-buffer-limit",
                          &reply);
    value = value ? strstr(value, "pubsub ") : NULL;

    if (value && sscanf(value, "pubsub %lld %lld", &hard, &soft) == 2) {
        if ((hard && hard < DOCTOR_PUBSUB_HARD)
            || (soft && soft < DOCTOR_PUBSUB_SOFT))
        {
            doctor_say(doctor, DOCTOR_ADVICE, "buffers",
                       "a burst may cut nginx's subscriptions: set "
                       "\"client-output-buffer-limit pubsub 64mb 32mb 30\"");

        } else if (hard == 0 && soft == 0) {
            doctor_say(doctor, DOCTOR_ADVICE, "buffers",
                       "a stalled subscriber may fill the memory: set "
                       "\"client-output-buffer-limit pubsub 64mb 32mb 30\"");

        } else {
            doctor_say(doctor, DOCTOR_FINE, "buffers",
                       "pubsub %lld MiB, %lld MiB", hard >> 20, soft >> 20);
        }
    }

    freeReplyObject(reply);
}


static void
doctor_clients(doctor_t *doctor)
{
    long long    max, now;
    redisReply  *reply;
    const char  *value;

    now = doctor_info_number(doctor, "connected_clients");
    value = doctor_config(doctor, "clients", "maxclients", &reply);

    if (value) {
        max = strtoll(value, NULL, 10);

        if (now > max / 10 * 9) {
            doctor_say(doctor, DOCTOR_FAULT, "clients",
                       "%lld of %lld connections used: raise \"maxclients\"",
                       now, max);

        } else if (max < DOCTOR_CLIENTS) {
            doctor_say(doctor, DOCTOR_ADVICE, "clients",
                       "only %lld connections: raise \"maxclients\" to %d",
                       max, DOCTOR_CLIENTS);

        } else {
            doctor_say(doctor, DOCTOR_FINE, "clients", "%lld of %lld", now,
                       max);
        }
    }

    freeReplyObject(reply);
}


void
doctor_redis(doctor_t *doctor)
{
    doctor_version(doctor);
    doctor_persistence(doctor);
    doctor_memory(doctor);
    doctor_buffers(doctor);
    doctor_clients(doctor);
}
