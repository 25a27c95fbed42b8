
/*
 * The entries of a thread, from one number to another, oldest or newest first.
 * Whether they are in the stream or in sealed segments makes no difference.
 *
 *     entries_init(&entries, conn, property, first, last, backward);
 *
 *     while ((rc = entries_next(&entries, &entry)) == 1) {
 *         ...
 *     }
 *
 *     entries_free(&entries);
 *
 * Entries are read in blocks of up to LL_SEGMENT_MAX, each by one command; at
 * most one block is in memory, or two with "ahead", each of about 60 kB for
 * messages of usual length and at most 4.2 MB.  Entries that are written during
 * this have a higher number, and one that is sealed meanwhile is read from its
 * segment.
 */


#ifndef ENTRIES_H
#define ENTRIES_H


#include <stdint.h>

#include "args.h"
#include "conn.h"
#include "unpack.h"
#include "common/id.h"


typedef struct {
    conn_t            *conn;
    args_t             args;
    char               property[LL_ID_MAX + 1];
    uint64_t           first;      /* of those that are not read yet */
    uint64_t           last;
    int                backward;
    int                ahead;      /* reads ahead: set by the caller, after
                                      entries_init() */
    int                asked;      /* the next block, whose reply is not yet
                                      received */

    redisReply        *reply;      /* the block, or NULL */
    unpack_t       *unpack;
    thread_entry_t   *block;      /* its entries, oldest first */
    buf_t              copy;       /* what a segment's entries point to */
    unsigned           n;
    unsigned           next;       /* the next one, in the order wanted */

    uint64_t           damaged;    /* the first entry of a damaged segment that
                                      has been read, or 0 */
    unsigned           damaged_n;  /* its number of entries */
} entries_t;


/*
 * Begins to read the entries "first" to "last"; those past the head of the
 * thread are left out.  The id of the property must be valid.  The connection
 * may have no reply outstanding while entries_next() is called.
 */
void entries_init(entries_t *entries, conn_t *conn, const char *property,
    uint64_t first, uint64_t last, int backward);

/*
 * Sets the next entry, which stays valid until the next call.  Returns 1, 0
 * after the last one, or -1 if Redis fails or memory is short; conn_error() has
 * the reason of a broken connection.
 *
 * With "ahead", Redis is asked for the next block while the caller uses the
 * present one, and the connection must not be used for anything else before
 * entries_free().
 *
 * The entries of a damaged segment are lost ones, and entries->damaged is set;
 * the caller resets it.
 */
int entries_next(entries_t *entries, thread_entry_t *entry);

/*
 * The same in two steps, for callers that pipeline.  entries_ask() queues the
 * command for the next block and returns 0, or -1 if it cannot be queued;
 * entries_take() takes over its reply.  entries_left() returns 1 if the next
 * entry needs a block to be read, else 0.  entries_take() returns 0, or -1 as
 * entries_next() does.
 */
int entries_left(const entries_t *entries);
int entries_ask(entries_t *entries);
int entries_take(entries_t *entries, redisReply *reply);

/*
 * Reads row i of a reply's list, { kind, entry, salt, hash, sender, … }, as
 * entry seq; it points into the reply.  Returns 0, or -1 if it is malformed.
 */
int entries_row(const redisReply *list, size_t i, uint64_t seq,
    thread_entry_t *entry);

/* Frees what was read; the entries returned last are invalid then. */
void entries_free(entries_t *entries);


#endif /* ENTRIES_H */
