
/*
 * Verifies a copy.
 *
 * Threads only grow, unless a property is purged.  So each thread of the copy
 * must be as long as it was when the backup began, and what it has must be on
 * the chain that Redis has now.  A key that was added or deleted meanwhile is
 * counted by Redis as a change or as expired, which bounds the number of keys.
 */

#include <stdio.h>
#include <string.h>

#include "chain.h"
#include "cli_backup_check.h"
#include "cli_backup_source.h"
#include "cli_signal.h"
#include "entries.h"


/* the sample: about so many threads, until they have so many entries */
#define CHECK_THREADS  200
#define CHECK_ENTRIES  200000


/*
 * Reads the counters, and then the number of keys: what changes in between is
 * counted as a change since.  0, or -1 after an error message.
 */
static int
cli_backup_check_count(cli_t *cli, cli_backup_count_t *count)
{
    args_t       args = ARGS_INIT;
    redisReply  *info, *size;

    info = cli_backup_source_info(cli, "all");

    if (info == NULL) {
        return -1;
    }

    count->changes = cli_backup_source_number(info,
                                              "rdb_changes_since_last_save");
    count->saved = cli_backup_source_number(info, "rdb_last_save_time");
    count->expired = cli_backup_source_number(info, "expired_keys");
    freeReplyObject(info);

    args_lit(&args, "DBSIZE");
    size = cli_redis_call(cli, &args);
    args_free(&args);

    if (size == NULL) {
        return -1;
    }

    (void) conn_number(size, &count->keys);
    freeReplyObject(size);

    return 0;
}


int
cli_backup_check_before(cli_t *cli, cli_backup_check_t *check)
{
    return cli_backup_list_read(cli, &check->before) == 0
           ? cli_backup_check_count(cli, &check->first) : -1;
}


int
cli_backup_check_after(cli_t *cli, cli_backup_check_t *check)
{
    return cli_backup_check_count(cli, &check->last);
}


/* 0, or -1 after an error message */
static int
cli_backup_check_keys(cli_t *copy, cli_backup_check_t *check)
{
    long long           allowed, difference;
    cli_backup_count_t  count;

    if (cli_backup_check_count(copy, &count) != 0) {
        return -1;
    }

    check->keys = count.keys;
    difference = count.keys - check->first.keys;
    allowed = check->last.changes - check->first.changes
              + check->last.expired - check->first.expired;

    /* a snapshot resets the counter of changes */

    if (check->last.saved != check->first.saved) {
        return 0;
    }

    if (difference > allowed || -difference > allowed) {
        return cli_fail("the copy has %lld keys, Redis had %lld",
                        count.keys, check->first.keys), -1;
    }

    return 0;
}


/* the version of the layout, to be freed, or NULL after an error message */
static redisReply *
cli_backup_check_version(cli_t *cli, unsigned k)
{
    char         key[LL_KEY_MAX];
    args_t       args = ARGS_INIT;
    redisReply  *reply;

    args_lit(&args, "GET");
    args_copy(&args, key, ll_keys_layout(key, k));

    reply = cli_redis_call(cli, &args);
    args_free(&args);

    return reply;
}


static int
cli_backup_check_layout(cli_t *cli, cli_t *copy, int home)
{
    int          rc;
    redisReply  *here, *there;

    if (home == -1) {
        return 0;
    }

    here = cli_backup_check_version(cli, (unsigned) home);
    there = cli_backup_check_version(copy, (unsigned) home);

    rc = here && there ? 0 : -1;

    if (rc == 0 && here->str
        && (there->str == NULL || strcmp(here->str, there->str) != 0))
    {
        rc = -1;
        (void) cli_fail("the copy has not the layout of Redis");
    }

    freeReplyObject(here);
    freeReplyObject(there);

    return rc;
}


/* the head of a thread now, -1 if there is none, -2 after an error message */
static long long
cli_backup_check_head(cli_t *cli, const char *id)
{
    char         key[LL_KEY_MAX];
    args_t       args = ARGS_INIT;
    long long    seq;
    redisReply  *reply;

    args_lit(&args, "HGET");
    args_copy(&args, key, ll_keys_property(key, LL_KEY_META, id, strlen(id)));
    args_lit(&args, "seq");

    reply = cli_redis_call(cli, &args);
    args_free(&args);

    if (reply == NULL) {
        return -2;
    }

    if (conn_number(reply, &seq) != 0) {
        seq = -1;
    }

    freeReplyObject(reply);

    return seq;
}


/*
 * A thread that the copy lacks, or of which it has too little: 0 if the
 * property was purged since the backup began, or -1 after an error message.
 */
static int
cli_backup_check_missing(cli_t *cli, const cli_backup_item_t *item,
    long long seq)
{
    long long  now;

    now = cli_backup_check_head(cli, item->id);

    if (now == -2) {
        return -1;
    }

    if (now >= item->seq) {
        return cli_fail(seq < 0 ? "the copy lacks the property \"%s\""
                                : "the copy lacks entries of \"%s\"",
                        item->id), -1;
    }

    return 0;
}


/* the heads of all threads: 0, or -1 after an error message */
static int
cli_backup_check_heads(cli_t *cli, cli_backup_check_t *check)
{
    size_t                    i, k;
    long long                 seq;
    const cli_backup_item_t  *item, *items = check->copied.items;

    k = 0;

    for (i = 0; i < check->before.n; i++) {
        item = &check->before.items[i];

        while (k < check->copied.n && strcmp(items[k].id, item->id) < 0) {
            k++;
        }

        seq = k < check->copied.n && strcmp(items[k].id, item->id) == 0
              ? items[k].seq : -1;

        if (seq < item->seq && cli_backup_check_missing(cli, item, seq) != 0) {
            return -1;
        }
    }

    return 0;
}


static void
cli_backup_check_unread(cli_t *cli, const cli_backup_item_t *item)
{
    (void) cli_fail("cannot read \"%s\": %s", item->id, conn_alive(cli->conn)
                    ? "the functions of " LL_LIBRARY " are missing, or of "
                      "another version" : conn_error(cli->conn));
}


/*
 * Reads a thread up to an entry, and computes its hashes.  Sets the hash of the
 * last entry, and "bad" to the first entry that is lost or has another hash, or
 * to 0.  Returns 0, or -1 after an error message.
 */
static int
cli_backup_check_chain(cli_t *cli, const cli_backup_item_t *item,
    unsigned char hash[CHAIN_HASH], uint64_t *bad)
{
    int             rc;
    uint64_t        seq;
    entries_t       entries;
    thread_entry_t  entry;

    rc = 0;
    seq = 0;
    *bad = 0;

    if (chain_first(hash, item->id, strlen(item->id)) != 0) {
        return cli_fail("cannot compute a hash"), -1;
    }

    entries_init(&entries, cli->conn, item->id, 1, (uint64_t) item->seq, 0);

    while (*bad == 0 && (rc = entries_next(&entries, &entry)) == 1) {
        seq++;

        if (entry.seq != seq || entry.kind == PACK_LOST || entry.hash == NULL) {
            *bad = seq;
            break;
        }

        if (entry.kind == PACK_ERASED) {
            (void) chain_join(hash, hash, entry.digest);

        } else {
            (void) chain_next(hash, hash, entry.salt, entry.entry, entry.len);
        }

        if (memcmp(hash, entry.hash, CHAIN_HASH) != 0) {
            *bad = seq;
        }
    }

    if (rc == -1) {
        cli_backup_check_unread(cli, item);

    } else if (*bad == 0 && seq != (uint64_t) item->seq) {
        *bad = seq + 1;
    }

    entries_free(&entries);

    return rc == -1 ? -1 : 0;
}


/*
 * Compares the hash of an entry with that in Redis: 0 if it is the same, or if
 * the property was purged meanwhile; -1 after an error message.
 */
static int
cli_backup_check_hash(cli_t *cli, const cli_backup_item_t *item,
    const unsigned char hash[CHAIN_HASH])
{
    int             rc;
    entries_t       entries;
    thread_entry_t  entry;

    if (item->seq == 0) {
        return 0;
    }

    entries_init(&entries, cli->conn, item->id, (uint64_t) item->seq,
                 (uint64_t) item->seq, 0);

    rc = entries_next(&entries, &entry);

    if (rc == -1) {
        cli_backup_check_unread(cli, item);

    } else if (rc == 1 && entry.hash
               && memcmp(hash, entry.hash, CHAIN_HASH) != 0)
    {
        rc = -1;
        (void) cli_fail("entry %lld of \"%s\" is another in Redis", item->seq,
                        item->id);
    }

    entries_free(&entries);

    return rc == -1 ? -1 : 0;
}


/* one thread of the sample: 0, or -1 after an error message */
static int
cli_backup_check_thread(cli_t *cli, cli_t *copy, const cli_backup_item_t *item)
{
    uint64_t       bad, same;
    unsigned char  hash[CHAIN_HASH], now[CHAIN_HASH];

    if (cli_backup_check_chain(copy, item, hash, &bad) != 0) {
        return -1;
    }

    if (bad == 0) {
        return cli_backup_check_hash(cli, item, hash);
    }

    /* a copy of damaged data is a copy */

    if (cli_backup_check_chain(cli, item, now, &same) != 0) {
        return -1;
    }

    if (same != bad) {
        return cli_fail("entry %llu of \"%s\" is damaged in the copy",
                        (unsigned long long) bad, item->id), -1;
    }

    (void) cli_fail("entry %llu of \"%s\" is damaged in Redis, and so in the "
                    "copy", (unsigned long long) bad, item->id);

    return 0;
}


static int
cli_backup_check_sample(cli_t *cli, cli_t *copy, cli_backup_check_t *check)
{
    size_t     i, step;
    long long  entries;

    step = check->copied.n / CHECK_THREADS + 1;
    entries = 0;

    for (i = 0; i < check->copied.n && entries < CHECK_ENTRIES; i += step) {

        if (cli_signal_caught()) {
            return cli_fail("interrupted"), -1;
        }

        entries += check->copied.items[i].seq;

        if (cli_backup_check_thread(cli, copy, &check->copied.items[i]) != 0) {
            return -1;
        }
    }

    return 0;
}


int
cli_backup_check_compare(cli_t *cli, cli_t *copy, cli_backup_check_t *check)
{
    size_t  i;

    if (cli_backup_check_layout(cli, copy, check->home) != 0
        || cli_backup_check_keys(copy, check) != 0
        || cli_backup_list_read(copy, &check->copied) != 0
        || cli_backup_check_heads(cli, check) != 0)
    {
        return -1;
    }

    for (i = 0; i < check->copied.n; i++) {
        check->messages += check->copied.items[i].messages;
    }

    return cli_backup_check_sample(cli, copy, check);
}


void
cli_backup_check_free(cli_backup_check_t *check)
{
    cli_backup_list_free(&check->before);
    cli_backup_list_free(&check->copied);
}
