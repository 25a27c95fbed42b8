
/*
 * Erasing a message: what replaces it, in the stream or in its segment, and the
 * call of ll1_erase.
 */


#ifndef STORE_ERASE_H
#define STORE_ERASE_H


#include "clock.h"
#include "entries.h"


/* entries that one call copies; it blocks Redis for about 1 ms */
#define STORE_ERASE_LIMIT  250


typedef enum {
    STORE_ERASE_DONE = 0,
    STORE_ERASE_MORE,              /* more is to be copied: call again */
    STORE_ERASE_CHANGED,           /* the state has changed: begin anew */
    STORE_ERASE_BROKEN             /* the reply is malformed */
} store_erase_result_e;


/* The caller sets the first members, and owns what they point to. */
typedef struct {
    const char  *property;
    uint64_t     seq;
    const char  *sealed;           /* the state that this is based on */
    const char  *erasures;
    int64_t      now;

    /* of store_erase_make() */
    char         at[CLOCK_LEN + 1];
    char         erased_at[CLOCK_LEN + 1];
    buf_t        last;             /* as in inboxes */
    buf_t        field;            /* if it is in the stream, else empty */
    buf_t        segment;          /* if it is sealed, else empty */
} store_erase_t;


/*
 * Makes what replaces entries[i], which is a message.  Of a sealed one, entries
 * are the n of its segment, and "before" is the hash before them, or NULL if
 * that is lost; of another one, n is 0.  Returns 0, or -1 if the entry has
 * another form than entry.c writes, if the segment cannot be read, or if memory
 * is short.  entries[i] is invalid afterwards.
 */
int store_erase_make(store_erase_t *erase, thread_entry_t *entries, size_t i,
    unsigned n, const unsigned char *before);

/*
 * Appends the call of ll1_erase to args, which stays valid while erase does.
 * begin is 1 in the first call, and 0 after STORE_ERASE_MORE.
 */
void store_erase_call(args_t *args, const store_erase_t *erase, int begin);

/* Reads the reply. */
store_erase_result_e store_erase_read(const redisReply *reply);

/* Frees what was made; it may be made again. */
void store_erase_free(store_erase_t *erase);


#endif /* STORE_ERASE_H */
