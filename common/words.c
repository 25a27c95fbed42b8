
/* Splits searches into words; nothing is allocated. */

#include <string.h>

#include "utf8.h"
#include "words.h"


/* the length of white space at the beginning of s */
static size_t
ll_words_space(const char *s, size_t len)
{
    size_t  i, size;

    for (i = 0; i < len; i += size) {
        if (!ll_utf8_space(ll_utf8_decode(s + i, len - i, &size))) {
            break;
        }
    }

    return i;
}


/* the length of s up to white space or a quote */
static size_t
ll_words_length(const char *s, size_t len)
{
    size_t    i, size;
    uint32_t  c;

    for (i = 0; i < len; i += size) {
        c = ll_utf8_decode(s + i, len - i, &size);

        if (c == '"' || ll_utf8_space(c)) {
            break;
        }
    }

    return i;
}


static void
ll_words_skip(ll_str_t *rest, size_t n)
{
    rest->data += n;
    rest->len -= n;
}


int
ll_words_next(ll_str_t *rest, ll_str_t *word)
{
    const char  *end;

    for ( ;; ) {
        ll_words_skip(rest, ll_words_space(rest->data, rest->len));

        if (rest->len == 0) {
            return 0;
        }

        if (*rest->data != '"') {
            word->data = rest->data;
            word->len = ll_words_length(rest->data, rest->len);
            ll_words_skip(rest, word->len);
            return 1;
        }

        ll_words_skip(rest, 1);

        end = memchr(rest->data, '"', rest->len);
        if (end == NULL) {
            return -1;
        }

        word->data = rest->data;
        word->len = (size_t) (end - rest->data);
        ll_words_skip(rest, word->len + 1);

        if (ll_words_space(word->data, word->len) < word->len) {
            return 1;
        }
    }
}


const char *
ll_words_check(const char *s, size_t len)
{
    int       rc;
    size_t    n;
    ll_str_t  rest, word;

    if (!ll_utf8_valid(s, len)) {
        return "\"q\" must be UTF-8.";
    }

    if (ll_utf8_cut(s, len, LL_WORDS_MAX) < len) {
        return "\"q\" must not be longer than 200 characters.";
    }

    rest.data = s;
    rest.len = len;
    n = 0;

    while ((rc = ll_words_next(&rest, &word)) == 1) {
        n++;
    }

    if (rc == -1) {
        return "\"q\" has a quote that is not closed.";
    }

    return n ? NULL : "\"q\" must have at least one word.";
}
