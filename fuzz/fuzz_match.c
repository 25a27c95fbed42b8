
/*
 * searches: a word of a text finds it, in either case; the text of an entry
 * with any bytes.  The input is a search and a text, separated by a NUL.
 */

#include <string.h>

#include "common/utf8.h"
#include "fuzz.h"
#include "match.h"


static void
match_check(const char *search, size_t search_len, const char *text, size_t len)
{
    match_t         match;
    thread_entry_t  entry;
    match_result_e  result;

    static const match_limits_t  any = { "", CLOCK_MIN, CLOCK_MAX };

    CHECK(match_init(&match, search, search_len, &any) == 0);
    CHECK(match.nwords > 0 && match.nwords <= LL_WORDS_COUNT);

    /* folding is stable: what was folded folds to itself, and so matches */

    if (ll_utf8_valid(text, len)) {
        result = match_text(&match, text, len);
        CHECK(result == MATCH_YES || result == MATCH_NO);

        result = match_text(&match, search, search_len);
        CHECK(result == MATCH_YES || result == MATCH_NO);
        CHECK(match.nwords > 1 || memchr(search, '"', search_len)
              || result == MATCH_YES);
    }

    memset(&entry, 0, sizeof(thread_entry_t));
    entry.entry = text;
    entry.len = len;
    entry.sender = "u";
    entry.sender_len = 1;

    CHECK(match_entry(&match, &entry) != MATCH_ERROR);

    match_free(&match);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char  *search, *text;

    search = (const char *) data;
    text = size ? memchr(data, '\0', size) : NULL;

    if (text && ll_words_check(search, (size_t) (text - search)) == NULL) {
        match_check(search, (size_t) (text - search), text + 1,
                    size - (size_t) (text + 1 - search));
    }

    return 0;
}
