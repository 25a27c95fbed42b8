
/*
 * The checks of "leaseloft doctor" of the data itself: of some properties at
 * random, the chain of the newest entries, the counters, and the total of each
 * member's inbox.
 *
 * All that is compared was read by one command, or cannot change, so that
 * messages that are written meanwhile are no fault.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain.h"
#include "cli_badges.h"
#include "cli_doctor_sample.h"
#include "cli_redis.h"
#include "cli_unread_count.h"
#include "entries.h"


#define DOCTOR_SAMPLE   8          /* properties */
#define DOCTOR_ENTRIES  128        /* the newest ones of each */


typedef struct {
    cli_report_t  *report;
    char           done[DOCTOR_SAMPLE][LL_ID_MAX + 1];
    int            n;
    int            faults;
    uint64_t       entries;
} sample_t;


static void
cli_doctor_sample_entry(sample_t *sample, const char *property, uint64_t seq)
{
    sample->faults++;

    cli_report_add(sample->report, CLI_REPORT_FAULT, "chain",
                   "property %s: entry %llu is lost or not the one that was "
                   "stored: restore a backup, and see \"leaseloft record %s\"",
                   property, (unsigned long long) seq, property);
}


/* computes the next hash from the present one; -1 if it is not the entry's */
static int
cli_doctor_sample_join(unsigned char hash[CHAIN_HASH],
    const thread_entry_t *entry)
{
    int  rc;

    if (entry->hash == NULL) {
        return -1;
    }

    rc = entry->kind == PACK_ERASED
         ? chain_join(hash, hash, entry->digest)
         : chain_next(hash, hash, entry->salt, entry->entry, entry->len);

    return rc == 0 && memcmp(hash, entry->hash, CHAIN_HASH) == 0 ? 0 : -1;
}


/* the entries before "last", which has that hash; -1 if Redis fails */
static int
cli_doctor_sample_chain(sample_t *sample, const char *property, uint64_t last,
    const char *head)
{
    int             rc;
    uint64_t        seq, bad;
    entries_t       entries;
    unsigned char   hash[CHAIN_HASH];
    thread_entry_t  entry;

    seq = last > DOCTOR_ENTRIES ? last - DOCTOR_ENTRIES : 1;
    bad = 0;

    if (seq == 1 && chain_first(hash, property, strlen(property)) != 0) {
        return -1;
    }

    entries_init(&entries, sample->report->cli->conn, property, seq, last, 0);

    while ((rc = entries_next(&entries, &entry)) == 1 && bad == 0) {

        if (entry.seq != seq || entry.kind == PACK_LOST || entries.damaged) {
            bad = seq;

        } else if (seq > 1 && seq + DOCTOR_ENTRIES == last) {
            memcpy(hash, entry.hash, CHAIN_HASH);

        } else if (cli_doctor_sample_join(hash, &entry) != 0) {
            bad = seq;
        }

        seq++;
        sample->entries++;
    }

    entries_free(&entries);

    if (rc == 0 && bad == 0
        && (seq != last + 1 || memcmp(hash, head, CHAIN_HASH) != 0))
    {
        bad = seq > last ? last : seq;
    }

    if (bad) {
        cli_doctor_sample_entry(sample, property, bad);
    }

    return rc == -1 ? -1 : 0;
}


/* reads the head and verifies the chain; 0, or -1 if Redis fails */
static int
cli_doctor_sample_thread(sample_t *sample, const char *property)
{
    int                rc;
    char               key[LL_KEY_MAX];
    args_t            *args = &sample->report->args;
    long long          seq;
    redisReply        *reply;
    const redisReply  *hash;

    args_lit(args, "HMGET");
    args_copy(args, key, ll_keys_property(key, LL_KEY_META, property,
                                          strlen(property)));
    args_lit(args, "seq");
    args_lit(args, "hash");

    reply = cli_redis_try(sample->report->cli, args);

    if (reply == NULL) {
        return -1;
    }

    rc = 0;
    hash = conn_element(reply, 1);

    if (conn_number(conn_element(reply, 0), &seq) == 0 && seq > 0 && hash
        && hash->type == REDIS_REPLY_STRING && hash->len == CHAIN_HASH)
    {
        rc = cli_doctor_sample_chain(sample, property, (uint64_t) seq,
                                     hash->str);
    }

    freeReplyObject(reply);

    return rc;
}


static void
cli_doctor_sample_counter(sample_t *sample, const char *what, const char *id)
{
    sample->faults++;

    cli_report_add(sample->report, CLI_REPORT_FAULT, "counters",
                   "the unread messages of %s %s are counted wrongly, so "
                   "badges mislead: run \"leaseloft unread rebuild\"", what,
                   id);
}


/* "VER UNREAD AT SHOWN REV", and "REV TOTAL THREADS" of the field ":" */
static int
cli_doctor_sample_inbox(sample_t *sample, const char *user)
{
    char         key[LL_KEY_MAX];
    size_t       i;
    args_t      *args = &sample->report->args;
    long long    sum, total, n;
    redisReply  *reply;

    args_lit(args, "HGETALL");
    args_copy(args, key, ll_keys_user(key, LL_KEY_USER_INBOX, user,
                                      strlen(user)));

    reply = cli_redis_try(sample->report->cli, args);

    if (reply == NULL) {
        return -1;
    }

    sum = 0;
    total = 0;

    for (i = 0; i + 1 < reply->elements; i += 2) {
        if (sscanf(cli_redis_text(reply, i + 1), "%*d %lld", &n) != 1) {
            continue;
        }

        if (strcmp(cli_redis_text(reply, i), ":") == 0) {
            total = n;
        } else {
            sum += n;
        }
    }

    freeReplyObject(reply);

    if (sum != total) {
        cli_doctor_sample_counter(sample, "user", user);
    }

    return 0;
}


static int
cli_doctor_sample_inboxes(sample_t *sample, const char *property)
{
    int          rc;
    size_t       i;
    redisReply  *badges;
    const char  *user;

    badges = cli_badges(sample->report->cli, &sample->report->args, property,
                        NULL);
    rc = badges ? 0 : -1;

    for (i = 1; rc == 0 && i + 3 < badges->elements; i += 4) {
        user = cli_redis_text(badges, i);

        if (ll_id_valid(user, strlen(user))) {
            rc = cli_doctor_sample_inbox(sample, user);
        }
    }

    freeReplyObject(badges);

    return rc;
}


/* 0 to go on, 1 when the sample is complete, -1 if Redis fails */
static int
cli_doctor_sample_property(void *data, const char *property)
{
    int        i, rc;
    sample_t  *sample = data;

    for (i = 0; i < sample->n; i++) {
        if (strcmp(sample->done[i], property) == 0) {
            return 0;
        }
    }

    (void) snprintf(sample->done[sample->n++], sizeof(sample->done[0]), "%s",
                    property);

    rc = cli_unread_count_check(sample->report->cli, property);

    if (rc == 0) {
        cli_doctor_sample_counter(sample, "property", property);
    }

    if (rc == -1 || cli_doctor_sample_thread(sample, property) == -1
        || cli_doctor_sample_inboxes(sample, property) == -1)
    {
        return -1;
    }

    return sample->n == DOCTOR_SAMPLE;
}


void
cli_doctor_sample(cli_report_t *report)
{
    cli_t     *cli = report->cli;
    sample_t   sample;

    memset(&sample, 0, sizeof(sample_t));
    sample.report = report;

    if (cli_redis_sample(cli, 'p', "meta", cli_doctor_sample_property, &sample)
        == -1)
    {
        cli_report_add(report, CLI_REPORT_UNKNOWN, "sample",
                       "threads cannot be checked: %s",
                       conn_alive(cli->conn) ? cli->why
                                             : conn_error(cli->conn));
        return;
    }

    if (sample.faults == 0) {
        cli_report_add(report, CLI_REPORT_FINE, "sample",
                       "threads: %d, entries: %llu, all verified", sample.n,
                       (unsigned long long) sample.entries);
    }
}
