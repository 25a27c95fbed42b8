
/*
 * Which messages match a search: those that contain each of its words, folded
 * (fold.h), and that are of the wanted sender and time.  Each word is looked
 * for by a search that is linear in the text, whatever the words are.
 */


#ifndef MATCH_H
#define MATCH_H


#include "clock.h"
#include "common/id.h"
#include "common/words.h"
#include "fold.h"
#include "pack.h"


/* how a search is narrowed */
typedef struct {
    char     from[LL_ID_MAX + 1];  /* the sender; empty for any */
    int64_t  since;                /* from CLOCK_MIN on */
    int64_t  until;                /* up to CLOCK_MAX; both inclusive */
} match_limits_t;


typedef struct {
    size_t   nwords;
    size_t   ends[LL_WORDS_COUNT]; /* of the words in "words" */
    buf_t    words;                /* folded, one after another */
    char     from[LL_ID_MAX + 1];
    char     since[CLOCK_LEN + 1];
    char     until[CLOCK_LEN + 1];
    buf_t    text;                 /* of the entry, and folded */
    buf_t    folded;
    fold_t   fold;
} match_t;


typedef enum {
    MATCH_NO = 0,
    MATCH_YES,
    MATCH_OLD,                     /* before "since", as all older ones are */
    MATCH_ERROR                    /* memory is short */
} match_result_e;


/*
 * Begins a search for the len bytes of words, which ll_words_check() must
 * accept.  Returns 0, or -1 if memory is short.  To be freed in either case.
 */
int match_init(match_t *match, const char *words, size_t len,
    const match_limits_t *limits);

/* Tells whether the entry matches. */
match_result_e match_entry(match_t *match, const thread_entry_t *entry);

/* Tells whether len bytes of text, which must be UTF-8, contain all words. */
match_result_e match_text(match_t *match, const char *s, size_t len);

/* Frees what the match owns. */
void match_free(match_t *match);


#endif /* MATCH_H */
