
/*
 * Sealed segments: the entries FIRST to FIRST + COUNT - 1 of a thread in one
 * value, as docs/data.md ("Segments") describes.
 *
 * A segment is parsed, its text decompressed by the caller, and then its
 * entries are decoded and hashed one after another.
 * Nothing is allocated, and nothing that a segment contains is trusted.
 */


#ifndef LL_SEGMENT_H
#define LL_SEGMENT_H


#include <stddef.h>
#include <stdint.h>

#include "date.h"


#define LL_SEGMENT_MAX   128       /* entries */
#define LL_SEGMENT_SALT  16
#define LL_SEGMENT_HASH  32

/* the longest entry, in bytes; one of 4,000 code points has less than 25,000 */
#define LL_ENTRY_MAX     32768

/* the longest text of a segment, once decompressed */
#define LL_SEGMENT_TEXT  (LL_SEGMENT_MAX * LL_ENTRY_MAX)

/* the dictionary of new segments */
#define LL_SEGMENT_DICTIONARY  1


typedef enum {
    LL_SEGMENT_WHOLE = 0,          /* the text is the entry */
    LL_SEGMENT_UUID,               /* a message whose client_id is a UUID */
    LL_SEGMENT_ID,                 /* a message with another client_id */
    LL_SEGMENT_LOST,               /* WHOLE, without salt and hash */
    LL_SEGMENT_ERASED,             /* WHOLE, with a digest instead of a salt */
    LL_SEGMENT_KINDS,
    LL_SEGMENT_GIVEN = 8           /* a flag: a hash is given, see below */
} ll_segment_kind_e;


/* pointers are into the segment */
typedef struct {
    const uint8_t  *data;
    unsigned        dictionary;
    unsigned        count;
    unsigned        parties;       /* number of rows in the table of senders */
    uint64_t        first;
    const uint8_t  *before;        /* hash of entry first - 1 */
    const uint8_t  *after;         /* hash of the last one; zeros if lost */
    const char     *at;            /* LL_DATE_LEN bytes: of the last entry */
    const uint8_t  *frame;         /* compressed text */
    size_t          frame_len;
    size_t          text_len;      /* decompressed, at most LL_SEGMENT_TEXT */

    /* of ll_segment_next() */
    const uint8_t  *senders;
    const uint8_t  *table;
    const uint8_t  *records;
    const uint8_t  *pos;
    size_t          text_pos;
    int64_t         time;
    unsigned        n;
    uint8_t         hash[LL_SEGMENT_HASH];
    int             known;         /* hash is that of the entry before */
} ll_segment_t;


/*
 * Sets hash to SHA-256( a || b ).  Returns 0 or -1.
 */
typedef int (*ll_segment_sha_pt)(unsigned char hash[LL_SEGMENT_HASH],
    const void *a, size_t alen, const void *b, size_t blen);


typedef struct {
    uint64_t        seq;
    unsigned        kind;          /* without LL_SEGMENT_GIVEN */
    const char     *sender;        /* its user, not terminated */
    size_t          sender_len;    /* 0: no message */
    const uint8_t  *salt;          /* NULL: lost or erased */
    const uint8_t  *digest;        /* of an erased one, else NULL */
    const uint8_t  *hash;          /* NULL: lost; changed by the next call */
    const char     *entry;         /* in the text, or in the caller's buffer */
    size_t          len;
} ll_segment_entry_t;


/*
 * Parses a segment of len bytes.  Returns 0, or -1 if it is malformed; then
 * nothing of it may be used.
 */
int ll_segment_parse(ll_segment_t *segment, const char *data, size_t len);

/*
 * Decodes the next entry; text is the decompressed frame, of text_len bytes,
 * and buf has room for LL_ENTRY_MAX bytes.  Returns 1, 0 after the last one, or
 * -1 if the segment is malformed or its hashes do not end with the one that it
 * has; so nothing of it is verified before 0 was returned.
 */
int ll_segment_next(ll_segment_t *segment, const char *text,
    ll_segment_sha_pt sha, char *buf, ll_segment_entry_t *entry);

/* Begins again with the first entry. */
void ll_segment_rewind(ll_segment_t *segment);

/*
 * Returns the text that segments with this number of a dictionary refer to, and
 * sets its length, or NULL if there is none of this number.
 */
const char *ll_segment_dictionary(unsigned number, size_t *len);

/*
 * For entry seq, which is sealed in segments of "size" entries: returns the
 * number of its segment, 0, 1, …, which is its field in Redis.
 */
uint64_t ll_segment_of(uint64_t seq, unsigned size);


#endif /* LL_SEGMENT_H */
