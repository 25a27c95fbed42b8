
/*
 * Verifies a record (docs/record.md), line by line.
 *
 * The caller passes each line in order, then calls record_check_end().  After
 * a failure nothing more is to be passed.  A check keeps a hash and a few
 * numbers, however long the record is.
 */


#ifndef RECORD_CHECK_H
#define RECORD_CHECK_H


#include <stdint.h>

#include "chain.h"
#include "note.h"


/* the maximum length of a line, without its line feed */
#define RECORD_CHECK_LINE  262144


typedef enum {
    RECORD_CHECK_HEAD = 0,             /* which line is expected */
    RECORD_CHECK_ENTRIES,
    RECORD_CHECK_READS,
    RECORD_CHECK_DONE
} record_check_state_e;


/* set by record_check_init(); callers read, and do not write */

typedef struct {
    record_check_state_e  state;
    const note_key_t     *key;         /* NULL: do not verify signatures */
    const note_t         *older;       /* another checkpoint, or NULL */

    char                  property[LL_ID_MAX + 1];
    char                  reader[LL_ID_MAX + 1];
                                       /* "" if the record has none */
    int                   tenant;      /* of the reader */
    uint64_t              first, last; /* the window */
    uint64_t              seq;         /* of the last entry read */
    unsigned char         hash[CHAIN_HASH];
                                       /* of that entry */
    uint64_t              entries;
    uint64_t              erased;
    uint64_t              reads;
    char                  read_at[LL_SIGN_TIME + 1];
                                       /* time of the last read mark */
    int                   checkpoint;  /* the record has one */
    char                  origin[LL_SIGN_NAME_MAX + 1];
    char                  time[LL_SIGN_TIME + 1];

    uint64_t              failed;      /* the entry that fails; 0: none */
    char                  why[256];    /* a sentence */
} record_check_t;


/* Initializes a check; key and older must outlive it. */
void record_check_init(record_check_t *check, const note_key_t *key,
    const note_t *older);

/*
 * Checks the next line, without its line feed.  Returns 0, or -1 with
 * check->failed and check->why set.
 */
int record_check_line(record_check_t *check, const char *line, size_t len);

/* Checks that the record is complete; returns as record_check_line(). */
int record_check_end(record_check_t *check);


#endif /* RECORD_CHECK_H */
