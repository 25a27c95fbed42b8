
/*
 * Reads sealed segments of a thread (common/segment.h).
 *
 * A segment that can be opened has been verified: its text has the checksum of
 * its frame, and its hashes, each computed from the one before, end with the
 * one that was stored.  The functions share contexts of zstd and of the chain,
 * so that only one thread may call them.
 */


#ifndef UNPACK_H
#define UNPACK_H


#include "pack.h"


/* an open segment */
typedef struct {
    ll_segment_t    segment;
    buf_t           text;
    char            entry[LL_ENTRY_MAX];
} unpack_t;


/* Creates a reader of segments, to be freed; NULL: memory is short. */
unpack_t *unpack_create(void);
void unpack_free(unpack_t *unpack);

/*
 * Opens the segment of the entries "first" to "first" + "count" - 1, and
 * verifies it; data must stay until the last entry was read.  Returns 0, or -1
 * if it is damaged.
 */
int unpack_open(unpack_t *unpack, const char *data, size_t len,
    uint64_t first, unsigned count);

/*
 * Sets the next entry, which stays valid until the next call.  Returns 1, or 0
 * after the last one.
 */
int unpack_next(unpack_t *unpack, thread_entry_t *entry);

/* Opens the segment again at its first entry. */
void unpack_rewind(unpack_t *unpack);

/*
 * Appends entry seq, which is in this segment of "size" entries, to the buffer;
 * of a damaged segment, a lost entry.  Returns 0, or -1 if memory is short.
 */
int unpack_entry(buf_t *buf, const char *data, size_t len, uint64_t seq,
    unsigned size);

/*
 * Appends a lost entry as readers see it, with the year 1970 as its time, to
 * the buffer.
 */
void unpack_lost(buf_t *buf, uint64_t seq);

/* Frees the context; the functions may be called again. */
void unpack_cleanup(void);


#endif /* UNPACK_H */
