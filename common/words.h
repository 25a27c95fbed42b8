
/*
 * The words of a search: separated by white space; a "quoted phrase" counts as
 * one.  A quote ends the word before it, so that words need no blank around a
 * phrase; it cannot be escaped.
 */


#ifndef LL_WORDS_H
#define LL_WORDS_H


#include <stddef.h>

#include "frame.h"


/* the longest search, in code points */
#define LL_WORDS_MAX  200

/* the largest number of words in it */
#define LL_WORDS_COUNT  (LL_WORDS_MAX / 2)


/*
 * Takes the first word off rest, which must be UTF-8, and sets word to it, into
 * rest.  Phrases of nothing but white space are left out.  Returns 1, 0 if
 * there are no more words, or -1 if a quote is not closed.
 */
int ll_words_next(ll_str_t *rest, ll_str_t *word);

/*
 * Returns NULL if the len bytes are a search: UTF-8, 1 to LL_WORDS_MAX code
 * points, at least one word, all quotes closed.  Otherwise returns a sentence
 * about what is wrong.
 */
const char *ll_words_check(const char *s, size_t len);


#endif /* LL_WORDS_H */
