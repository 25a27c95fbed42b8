
/*
 * Makes sealed segments of a thread (common/segment.h).  The functions share a
 * context of zstd, so that only one thread may call them.
 */


#ifndef PACK_H
#define PACK_H


#include <stddef.h>
#include <stdint.h>

#include "common/segment.h"
#include "buf.h"
#include "chain.h"


typedef enum {
    PACK_ENTRY = 0,
    PACK_LOST,                  /* it has no hash and no salt */
    PACK_ERASED                 /* it has a digest instead of a salt */
} pack_kind_e;


/* an entry, sealed or not, as all that read a thread get it */
typedef struct {
    uint64_t              seq;
    pack_kind_e        kind;
    const char           *entry;       /* as readers see it */
    size_t                len;
    const unsigned char  *salt;        /* CHAIN_SALT bytes, or NULL */
    const unsigned char  *digest;      /* CHAIN_HASH bytes, or NULL */
    const unsigned char  *hash;        /* CHAIN_HASH bytes, or NULL */
    const char           *sender;      /* of a message, also an erased one */
    size_t                sender_len;  /* 0 for others */
} thread_entry_t;


/*
 * Appends the segment of n entries without a gap to the buffer.  "before" is
 * the hash of the entry before them, or NULL if that one is lost.  Returns 0,
 * or -1 if memory is short or if they cannot be a segment: more than
 * LL_SEGMENT_MAX, or too long.
 */
int pack_encode(buf_t *buf, const thread_entry_t *entries, unsigned n,
    const unsigned char *before);

/* Frees the context; the functions may be called again. */
void pack_cleanup(void);


#endif /* PACK_H */
