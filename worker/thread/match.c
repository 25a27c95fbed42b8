
/*
 * Matches entries.  An entry is not parsed as JSON: entry.c writes messages in
 * one form, in which the text follows "from", and quotes within strings are
 * escaped.
 */

#include <string.h>

#include "match.h"


static int
match_words(match_t *match, const char *words, size_t len)
{
    ll_str_t  rest, word;

    rest.data = words;
    rest.len = len;

    while (match->nwords < LL_WORDS_COUNT && ll_words_next(&rest, &word) == 1) {
        if (fold_add(&match->fold, &match->words, word.data, word.len) == -1) {
            return -1;
        }

        match->ends[match->nwords++] = match->words.len;
    }

    return 0;
}


int
match_init(match_t *match, const char *words, size_t len,
    const match_limits_t *limits)
{
    memset(match, 0, sizeof(match_t));
    memcpy(match->from, limits->from, sizeof(match->from));

    clock_format(match->since, limits->since);
    clock_format(match->until, limits->until);

    return match_words(match, words, len);
}


match_result_e
match_text(match_t *match, const char *s, size_t len)
{
    size_t  i, start;

    buf_reset(&match->folded);

    if (fold_add(&match->fold, &match->folded, s, len) == -1) {
        return MATCH_ERROR;
    }

    start = 0;

    for (i = 0; i < match->nwords; i++) {
        if (match->ends[i] > start
            && (match->folded.len == 0
                || memmem(match->folded.data, match->folded.len,
                          match->words.data + start, match->ends[i] - start)
                   == NULL))
        {
            return MATCH_NO;
        }

        start = match->ends[i];
    }

    return MATCH_YES;
}


/* the value of four hexadecimal digits, or -1 */
static int
match_hex(const char *s)
{
    int  i, n;

    n = 0;

    for (i = 0; i < 4; i++) {
        n *= 16;

        if (s[i] >= '0' && s[i] <= '9') {
            n += s[i] - '0';

        } else if ((s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'f') {
            n += (s[i] | 0x20) - 'a' + 10;

        } else {
            return -1;
        }
    }

    return n;
}


/* appends the code point of an escape: U+0000 to U+FFFF but no surrogate */
static void
match_unicode(buf_t *text, int c)
{
    char    s[3];
    size_t  n;

    n = 0;

    if (c < 0x80) {
        s[n++] = (char) c;

    } else if (c < 0x800) {
        s[n++] = (char) (0xc0 | c >> 6);
        s[n++] = (char) (0x80 | (c & 0x3f));

    } else {
        s[n++] = (char) (0xe0 | c >> 12);
        s[n++] = (char) (0x80 | (c >> 6 & 0x3f));
        s[n++] = (char) (0x80 | (c & 0x3f));
    }

    buf_add(text, s, n);
}


/*
 * Appends what an escape at s, after its backslash, stands for.  Returns its
 * length, or 0 if it is malformed.
 */
static size_t
match_escape(buf_t *text, const char *s, size_t len)
{
    int          c;
    const char  *found;

    static const char  names[] = "bfnrt";
    static const char  values[] = "\b\f\n\r\t";

    if (len == 0) {
        return 0;
    }

    if (*s == 'u') {
        c = len < 5 ? -1 : match_hex(s + 1);

        if (c == -1 || (c >= 0xd800 && c < 0xe000)) {
            return 0;
        }

        match_unicode(text, c);

        return 5;
    }

    found = memchr(names, *s, sizeof(names) - 1);

    buf_add(text, found ? &values[found - names] : s, 1);

    return 1;
}


/*
 * Appends the string at s, up to its quote, without escapes.  Returns the rest
 * after the quote, or NULL if the string is malformed.
 */
static const char *
match_unquote(buf_t *text, const char *s, const char *end)
{
    size_t       n;
    const char  *p;

    for (p = s; p < end && *p != '"'; /* void */) {
        if (*p != '\\') {
            p++;
            continue;
        }

        buf_add(text, s, (size_t) (p - s));

        n = match_escape(text, p + 1, (size_t) (end - p - 1));
        if (n == 0) {
            return NULL;
        }

        p += 1 + n;
        s = p;
    }

    if (p == end) {
        return NULL;
    }

    buf_add(text, s, (size_t) (p - s));

    return p + 1;
}


match_result_e
match_entry(match_t *match, const thread_entry_t *entry)
{
    const char  *p, *end;

    static const char  before[] = "},\"text\":\"";
    static const char  after[] = ",\"at\":\"";

    if (entry->kind != PACK_ENTRY || entry->sender_len == 0) {
        return MATCH_NO;
    }

    end = entry->entry + entry->len;
    p = memmem(entry->entry, entry->len, before, sizeof(before) - 1);

    if (p == NULL) {
        return MATCH_NO;
    }

    buf_reset(&match->text);

    p = match_unquote(&match->text, p + sizeof(before) - 1, end);

    if (p == NULL || (size_t) (end - p) < sizeof(after) - 1 + CLOCK_LEN
        || memcmp(p, after, sizeof(after) - 1) != 0)
    {
        return MATCH_NO;
    }

    if (buf_failed(&match->text)) {
        return MATCH_ERROR;
    }

    p += sizeof(after) - 1;

    if (memcmp(p, match->since, CLOCK_LEN) < 0) {
        return MATCH_OLD;
    }

    if (memcmp(p, match->until, CLOCK_LEN) > 0
        || (match->from[0] != '\0'
            && (strlen(match->from) != entry->sender_len
                || memcmp(match->from, entry->sender, entry->sender_len)
                   != 0)))
    {
        return MATCH_NO;
    }

    return match_text(match, match->text.len ? match->text.data : "",
                      match->text.len);
}


void
match_free(match_t *match)
{
    buf_free(&match->words);
    buf_free(&match->text);
    buf_free(&match->folded);
    fold_free(&match->fold);
}
