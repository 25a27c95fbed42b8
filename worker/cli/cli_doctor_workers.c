
/*
 * What "leaseloft doctor" asks about the workers and the processes of nginx:
 * they say in Redis what they are, and Redis remembers whom it has refused.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_doctor.h"
#include "clock.h"


#define DOCTOR_SKEW_MS      1000

/* nginx says what it is every 10 seconds */
#define DOCTOR_NGINX_MS     30000
#define DOCTOR_NGINX_MAX    "1000"

/* lines of ACL LOG, and how old they may be, in seconds */
#define DOCTOR_REFUSALS     "32"
#define DOCTOR_REFUSED_S    60

#define DOCTOR_TEXT         256


/* the value of NAME in a record "TIME ... NAME:VALUE ...", "" for none */
static void
doctor_fact(const char *record, const char *name, char *dst, size_t size)
{
    size_t       len;
    const char  *p;

    len = strlen(name);
    dst[0] = '\0';

    for (p = record; p; p = strchr(p, ' ')) {
        p += *p == ' ';

        if (strncmp(p, name, len) == 0 && p[len] == ':') {
            (void) snprintf(dst, size, "%.*s",
                            (int) strcspn(p + len + 1, " "), p + len + 1);
            return;
        }
    }
}


/* of one worker: what it may not do, and which queues it reads */
static void
doctor_worker(doctor_t *doctor, const char *name, const char *record)
{
    char  refused[DOCTOR_TEXT], reads[32];

    doctor_fact(record, "refused", refused, sizeof(refused));
    doctor_fact(record, "reads", reads, sizeof(reads));

    if (refused[0] != '\0') {
        doctor_say(doctor, DOCTOR_FAULT, "workers",
                   "%s takes no requests: give its user in Redis the right to "
                   "run %s (docs/operations.md)", name, refused);
        return;
    }

    doctor->workers++;

    /* one that does not say so is of a former version */
    doctor->reads |= reads[0] ? strtoull(reads, NULL, 16) : ~UINT64_C(0);
}


/* the value after a name in a line of ACL LOG, "" for none */
static const char *
doctor_logged(const redisReply *entry, const char *name)
{
    size_t  i;

    for (i = 0; entry && i + 1 < entry->elements; i += 2) {
        if (strcmp(cli_redis_text(entry, i), name) == 0) {
            return cli_redis_text(entry, i + 1);
        }
    }

    return "";
}


/* who was refused what: 0, or -1 for one too long ago */
static int
doctor_refusal(const redisReply *entry, char *line, size_t size)
{
    const char  *age, *reason, *user;

    age = doctor_logged(entry, "age-seconds");
    reason = doctor_logged(entry, "reason");
    user = doctor_logged(entry, "username");

    if (age[0] == '\0' || strtod(age, NULL) > DOCTOR_REFUSED_S) {
        return -1;
    }

    if (strcmp(reason, "auth") == 0) {
        (void) snprintf(line, size, "user \"%.64s\": wrong password", user);

    } else {
        (void) snprintf(line, size, "user \"%.64s\": %.16s \"%.64s\"", user,
                        reason, doctor_logged(entry, "object"));
    }

    return 0;
}


int
doctor_refusals(doctor_t *doctor)
{
    int          n;
    char         line[DOCTOR_TEXT];
    buf_t        said = BUF_INIT;
    size_t       i;
    redisReply  *reply;

    args_lit(&doctor->args, "ACL");
    args_lit(&doctor->args, "LOG");
    args_lit(&doctor->args, DOCTOR_REFUSALS);

    reply = doctor_ask(doctor, "refusals");
    n = 0;

    for (i = 0; reply && i < reply->elements; i++) {
        if (doctor_refusal(conn_element(reply, i), line, sizeof(line)) == -1
            || (said.data && strstr(said.data, line)))
        {
            continue;
        }

        buf_adds(&said, n++ ? "; " : "");
        buf_adds(&said, line);
    }

    freeReplyObject(reply);

    if (n && !buf_failed(&said)) {
        doctor_say(doctor, DOCTOR_FAULT, "refusals",
                   "Redis refused in the last minute: %s", said.data);
    }

    buf_free(&said);

    return n != 0;
}


/* nginx's queues, least and most, and who has another version */
static void
doctor_nginx(doctor_t *doctor, long long now, long long *least,
    long long *most)
{
    char               key[LL_KEY_MAX];
    size_t             i, n;
    long long          queues;
    redisReply        *reply;
    const redisReply  *fields;

    (void) ll_keys_nginx(key);

    args_lit(&doctor->args, "XRANGE");
    args_adds(&doctor->args, key);
    args_number(&doctor->args, now - DOCTOR_NGINX_MS);
    args_lit(&doctor->args, "+");
    args_lit(&doctor->args, "COUNT");
    args_lit(&doctor->args, DOCTOR_NGINX_MAX);

    reply = doctor_ask(doctor, "nginx");
    n = 0;
    *least = LL_QUEUES_MAX + 1;
    *most = 0;

    for (i = 0; reply && i < reply->elements; i++) {
        fields = conn_element(conn_element(reply, i), 1);
        queues = doctor_field(fields, "queues");

        if (queues > 0) {
            *least = queues < *least ? queues : *least;
            *most = queues > *most ? queues : *most;
            n++;
        }
    }

    if (reply && n == 0) {
        doctor_say(doctor, DOCTOR_ADVICE, "nginx",
                   "none has been heard of for %d seconds",
                   DOCTOR_NGINX_MS / 1000);
    }

    freeReplyObject(reply);
}


/* whether all have the same of a number, or a version: said where not */
static void
doctor_agree(doctor_t *doctor, const redisReply *list, long long least,
    long long most)
{
    char         queues[32], version[64], first[64];
    size_t       i;
    long long    n;
    const char  *name;

    first[0] = '\0';

    if (least < most) {
        doctor_say(doctor, DOCTOR_ADVICE, "queues",
                   "processes of nginx have %lld to %lld: give all the same "
                   "leaseloft_queues", least, most);
    }

    for (i = 0; list && i + 1 < list->elements; i += 2) {
        name = cli_redis_text(list, i);

        doctor_fact(cli_redis_text(list, i + 1), "queues", queues,
                    sizeof(queues));
        doctor_fact(cli_redis_text(list, i + 1), "version", version,
                    sizeof(version));
        n = strtoll(queues, NULL, 10);

        if (n && most && n != most) {
            doctor_say(doctor, DOCTOR_ADVICE, "queues",
                       "nginx has %lld (leaseloft_queues), worker %s has %lld "
                       "(--queues): give both the same", most, name, n);
        }

        if (first[0] == '\0') {
            (void) snprintf(first, sizeof(first), "%s", version);

        } else if (strcmp(first, version) != 0) {
            doctor_say(doctor, DOCTOR_ADVICE, "versions",
                       "worker %s is of version \"%s\", another one of "
                       "\"%s\": upgrade all", name, version, first);
        }
    }
}


static void
doctor_clock(doctor_t *doctor, long long now)
{
    long long  skew;

    skew = llabs(now - clock_now());

    if (skew > DOCTOR_SKEW_MS) {
        doctor_say(doctor, DOCTOR_ADVICE, "clock",
                   "this machine and Redis's differ by %lld ms: set both by "
                   "NTP, as leases begin and end by the workers' clocks",
                   skew);
    }
}


/* of the workers' key: { now, number, list of name and record … } */
void
doctor_workers(doctor_t *doctor)
{
    char               key[LL_KEY_MAX];
    size_t             i;
    long long          now, workers, least, most;
    redisReply        *reply;
    const redisReply  *list;

    (void) ll_keys_workers(key);

    args_lit(&doctor->args, "FCALL_RO");
    args_lit(&doctor->args, LL_FUNCTION "health");
    args_lit(&doctor->args, "1");
    args_adds(&doctor->args, key);

    reply = doctor_ask(doctor, "workers");

    if (conn_number(conn_element(reply, 0), &now) != 0
        || conn_number(conn_element(reply, 1), &workers) != 0)
    {
        freeReplyObject(reply);
        return;
    }

    list = conn_element(reply, 2);

    for (i = 0; list && i + 1 < list->elements; i += 2) {
        doctor_worker(doctor, cli_redis_text(list, i),
                      cli_redis_text(list, i + 1));
    }

    if (workers == 0 && !doctor_refusals(doctor)) {
        doctor_say(doctor, DOCTOR_FAULT, "workers",
                   "no heartbeat: start \"leaseloft-worker\", or see its log");

    } else if (workers == 0) {
        doctor_say(doctor, DOCTOR_FAULT, "workers",
                   "no heartbeat: see who is refused, and the workers' logs");

    } else if (doctor->workers) {
        doctor_say(doctor, DOCTOR_FINE, "workers", "%lld", doctor->workers);
    }

    doctor_nginx(doctor, now, &least, &most);
    doctor_agree(doctor, list, least, most);
    doctor_clock(doctor, now);

    freeReplyObject(reply);
}
