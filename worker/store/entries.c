
/*
 * Reads entries by ll1_entries, a block at a time.  A block is a segment, which
 * is decoded as a whole because its hashes depend on each other, or a range of
 * the stream.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/keys.h"
#include "entries.h"
#include "fcall.h"


/* strings of an entry in a reply */
#define ENTRIES_FIELDS  5

void
entries_init(entries_t *entries, conn_t *conn, const char *property,
    uint64_t first, uint64_t last, int backward)
{
    memset(entries, 0, sizeof(entries_t));

    entries->conn = conn;
    (void) snprintf(entries->property, sizeof(entries->property), "%s",
                    property);
    entries->first = first ? first : 1;
    entries->last = last;
    entries->backward = backward;
}


static void
entries_drop(entries_t *entries)
{
    freeReplyObject(entries->reply);
    free(entries->block);
    buf_reset(&entries->copy);

    entries->reply = NULL;
    entries->block = NULL;
    entries->n = 0;
    entries->next = 0;
}


void
entries_free(entries_t *entries)
{
    if (entries->asked) {
        freeReplyObject(conn_recv(entries->conn));
        entries->asked = 0;
    }

    entries_drop(entries);
    unpack_free(entries->unpack);
    buf_free(&entries->copy);
    args_free(&entries->args);

    entries->unpack = NULL;
    entries->last = 0;
}


int
entries_left(const entries_t *entries)
{
    return entries->next == entries->n && entries->first <= entries->last;
}


int
entries_ask(entries_t *entries)
{
    args_t  *args = &entries->args;

    args_reset(args);
    fcall_begin_ro(args, "ll1_entries", LL_PROPERTY_KEYS);
    fcall_property_keys(args, entries->property, strlen(entries->property));

    args_number(args, (int64_t) entries->first);
    args_number(args, (int64_t) entries->last);
    args_number(args, LL_SEGMENT_MAX);
    args_number(args, entries->backward ? 1 : 0);

    return conn_send(entries->conn, args);
}


static int
entries_string(const redisReply *list, size_t i, const char **data, size_t *len)
{
    const redisReply  *element;

    element = conn_element(list, i);

    if (element == NULL || element->type != REDIS_REPLY_STRING) {
        return -1;
    }

    *data = element->str;
    *len = element->len;

    return 0;
}


int
entries_row(const redisReply *list, size_t i, uint64_t seq,
    thread_entry_t *entry)
{
    size_t       kind_len, salt_len, hash_len;
    const char  *kind, *salt, *hash;

    i *= ENTRIES_FIELDS;

    if (entries_string(list, i, &kind, &kind_len) == -1
        || entries_string(list, i + 1, &entry->entry, &entry->len) == -1
        || entries_string(list, i + 2, &salt, &salt_len) == -1
        || entries_string(list, i + 3, &hash, &hash_len) == -1
        || entries_string(list, i + 4, &entry->sender, &entry->sender_len)
           == -1)
    {
        return -1;
    }

    entry->seq = seq;
    entry->kind = *kind == 'l' ? PACK_LOST
                  : *kind == 'e' ? PACK_ERASED : PACK_ENTRY;
    entry->salt = entry->kind == PACK_ENTRY
                  ? (const unsigned char *) salt : NULL;
    entry->digest = entry->kind == PACK_ERASED
                    ? (const unsigned char *) salt : NULL;
    entry->hash = entry->kind == PACK_LOST
                  ? NULL : (const unsigned char *) hash;

    if ((entry->salt && salt_len != CHAIN_SALT)
        || (entry->digest && salt_len != CHAIN_HASH)
        || (entry->hash && hash_len != CHAIN_HASH))
    {
        return -1;
    }

    return 0;
}


static int
entries_stream(entries_t *entries, const redisReply *list, uint64_t first)
{
    size_t  i;

    for (i = 0; i < entries->n; i++) {
        if (entries_row(list, i, first + i, &entries->block[i]) == -1) {
            return -1;
        }
    }

    return 0;
}


/* stands for the entries of a damaged segment */
static int
entries_damaged(entries_t *entries, uint64_t first)
{
    size_t             offset[LL_SEGMENT_MAX + 1];
    unsigned           i;
    thread_entry_t    *entry;

    entries->damaged = first;
    entries->damaged_n = entries->n;

    for (i = 0; i < entries->n; i++) {
        offset[i] = entries->copy.len;
        unpack_lost(&entries->copy, first + i);
    }

    if (buf_failed(&entries->copy)) {
        return -1;
    }

    offset[i] = entries->copy.len;

    for (i = 0; i < entries->n; i++) {
        entry = &entries->block[i];
        memset(entry, 0, sizeof(thread_entry_t));
        entry->seq = first + i;
        entry->kind = PACK_LOST;
        entry->entry = entries->copy.data + offset[i];
        entry->len = offset[i + 1] - offset[i];
        entry->sender = "";
    }

    return 0;
}


/*
 * Decodes a whole segment.  What an entry points to has to outlive the next
 * one, so each is copied.
 */
static int
entries_segment(entries_t *entries, const redisReply *blob, uint64_t first)
{
    char             *p;
    unsigned          i;
    thread_entry_t    entry, *copy;

    if (entries->unpack == NULL) {
        entries->unpack = unpack_create();
        if (entries->unpack == NULL) {
            return -1;
        }
    }

    if (blob->type != REDIS_REPLY_STRING
        || unpack_open(entries->unpack, blob->str, blob->len, first,
                        entries->n)
           == -1)
    {
        return entries_damaged(entries, first);
    }

    while (unpack_next(entries->unpack, &entry)) {
        buf_add(&entries->copy, entry.entry, entry.len);
        buf_add(&entries->copy, entry.hash ? (const char *) entry.hash : "",
                entry.hash ? CHAIN_HASH : 0);
    }

    if (buf_failed(&entries->copy)) {
        return -1;
    }

    unpack_rewind(entries->unpack);
    p = entries->copy.data;

    for (i = 0; i < entries->n; i++) {
        copy = &entries->block[i];

        (void) unpack_next(entries->unpack, copy);

        copy->entry = p;
        p += copy->len;

        if (copy->hash) {
            copy->hash = (unsigned char *) p;
            p += CHAIN_HASH;
        }
    }

    return 0;
}


/* skips the entries of the block that are not wanted */
static void
entries_cut(entries_t *entries, uint64_t first)
{
    uint64_t  last;

    last = first + entries->n - 1;

    if (entries->backward) {
        entries->next = last > entries->last
                         ? (unsigned) (last - entries->last) : 0;
        if (first < entries->first) {
            memmove(entries->block, entries->block + (entries->first - first),
                    (size_t) (last + 1 - entries->first)
                    * sizeof(thread_entry_t));
            entries->n = (unsigned) (last + 1 - entries->first);
            first = entries->first;
        }

        entries->last = first - 1;

    } else {
        entries->next = first < entries->first
                         ? (unsigned) (entries->first - first) : 0;
        entries->first = last + 1;

        if (last > entries->last) {
            entries->n -= (unsigned) (last - entries->last);
        }
    }
}


int
entries_take(entries_t *entries, redisReply *reply)
{
    int                rc;
    long long          sealed, first, n;
    const redisReply  *list;

    entries_drop(entries);
    entries->reply = reply;

    list = conn_element(reply, 3);

    if (list == NULL
        || conn_number(conn_element(reply, 0), &sealed) == -1
        || conn_number(conn_element(reply, 1), &first) == -1
        || conn_number(conn_element(reply, 2), &n) == -1
        || n < 0 || n > LL_SEGMENT_MAX)
    {
        return -1;
    }

    if (n == 0) {
        entries->last = 0;
        return 0;
    }

    /* the block has the entry that was asked for, so that reading ends */

    if (first < 1
        || (entries->backward ? (uint64_t) first > entries->last
                              : (uint64_t) first > entries->first)
        || (entries->backward ? 0
                              : (uint64_t) (first + n) <= entries->first))
    {
        return -1;
    }

    entries->n = (unsigned) n;
    entries->block = malloc(entries->n * sizeof(thread_entry_t));

    if (entries->block == NULL) {
        entries->n = 0;
        return -1;
    }

    rc = sealed ? entries_segment(entries, list, (uint64_t) first)
                : entries_stream(entries, list, (uint64_t) first);

    if (rc == -1) {
        entries->n = 0;
        return -1;
    }

    entries_cut(entries, (uint64_t) first);

    return 0;
}


int
entries_next(entries_t *entries, thread_entry_t *entry)
{
    unsigned  i;

    while (entries_left(entries)) {
        if (!entries->asked && entries_ask(entries) == -1) {
            return -1;
        }

        entries->asked = 0;

        if (entries_take(entries, conn_recv(entries->conn)) == -1) {
            return -1;
        }

        if (entries->ahead && entries->first <= entries->last) {
            if (entries_ask(entries) == -1 || conn_flush(entries->conn) == -1) {
                return -1;
            }

            entries->asked = 1;
        }
    }

    if (entries->next == entries->n) {
        return 0;
    }

    i = entries->next++;
    *entry = entries->block[entries->backward ? entries->n - 1 - i : i];

    return 1;
}
