
/* Sealing: moving entries from the stream of a thread to a segment. */


#ifndef STORE_SEAL_H
#define STORE_SEAL_H


#include "entries.h"
#include "store.h"


/* what can be sealed next; points into a reply */
typedef struct {
    const char           *sealed;      /* the state that this is based on */
    const char           *erasures;
    uint64_t              first;
    unsigned              n;
    const unsigned char  *before;      /* hash before the first, or NULL */
    thread_entry_t        entries[LL_SEGMENT_MAX];
} store_seal_t;


/*
 * ll1_unsealed: the next "size" entries, if more than "keep" ones follow.  A
 * property keeps the size with which it began.
 */
int store_seal_next(store_t *store, const char *property, unsigned keep,
    unsigned size);

/*
 * Reads the reply.  Returns 1, 0 if there is nothing to seal, or -1 if the
 * reply is malformed.
 */
int store_seal_next_read(const redisReply *reply, store_seal_t *seal);

/* ll1_seal */
int store_seal(store_t *store, const char *property, const store_seal_t *seal,
    const buf_t *segment);


#endif /* STORE_SEAL_H */
