
/* searches: words, folding, and which entries match */

#include <stdlib.h>

#include "t/tap.h"
#include "common/words.h"
#include "match.h"


static const match_limits_t  any = { "", CLOCK_MIN, CLOCK_MAX };


/* the words of a search, each followed by "|" */
static void
words(const char *s, const char *expected, const char *name)
{
    int       rc;
    buf_t     buf = BUF_INIT;
    ll_str_t  rest, word;

    rest.data = s;
    rest.len = strlen(s);

    while ((rc = ll_words_next(&rest, &word)) == 1) {
        buf_add(&buf, word.data, word.len);
        buf_lit(&buf, "|");
    }

    buf_adds(&buf, rc == -1 ? "open" : "");
    is_str(buf.data ? buf.data : "", expected, name);
    buf_free(&buf);
}


static void
test_words(void)
{
    words("boiler", "boiler|", "one word");
    words("  boiler\t out\n", "boiler|out|", "words by white space");
    words("a\xc2\xa0" "b\xe3\x80\x80" "c\xc2\x85" "d\xe2\x80\x8b" "e",
          "a|b|c|d\xe2\x80\x8b" "e|",
          "White_Space of Unicode separates, a zero width space does not");
    words("\"hot water\" out", "hot water|out|", "a phrase is one word");
    words("x\"hot water\"y", "x|hot water|y|", "a phrase needs no blanks");
    words("\"\" \" \t\" a", "a|", "a phrase without a word is left out");
    words("a \"b", "a|open", "an open quote");
    words("a\"", "a|open", "a quote at the end");
    words("", "", "no words");
}


static void
test_check(void)
{
    char  s[1024];
    int   i;

    ok(ll_words_check("a", 1) == NULL, "a search of one letter");
    ok(ll_words_check("", 0), "an empty search is refused");
    ok(ll_words_check(" \xe3\x80\x80", 4), "white space alone is refused");
    ok(ll_words_check("\"\"", 2), "an empty phrase alone is refused");
    ok(ll_words_check("a\"", 2), "an open quote is refused");
    ok(ll_words_check("a\xff", 2), "invalid UTF-8 is refused");
    ok(ll_words_check("a\xc3", 2), "truncated UTF-8 is refused");
    ok(ll_words_check("\xed\xa0\x80", 3), "a surrogate is refused");

    for (i = 0; i < 201; i++) {
        memcpy(s + 4 * i, "\xf0\x9f\x94\xa5", 4);
    }

    ok(ll_words_check(s, 800) == NULL, "200 code points are accepted");
    ok(ll_words_check(s, 804), "201 code points are refused");

    for (i = 0; i < 200; i++) {
        s[i] = i % 2 ? ' ' : 'x';
    }

    ok(ll_words_check(s, 200) == NULL, "100 words are accepted");
}


static int
matches(const char *search, const char *text)
{
    match_t         match;
    match_result_e  result;

    ok(match_init(&match, search, strlen(search), &any) == 0, search);
    result = match_text(&match, text, strlen(text));
    match_free(&match);

    return result == MATCH_YES;
}


/* a table of languages: what is found, and what is not */
static void
test_folding(void)
{
    size_t  i;

    static const struct {
        int          found;
        const char  *search;
        const char  *text;
        const char  *name;
    } list[] = {
        { 1, "BOILER", "The boiler is out", "case is ignored" },
        { 1, "oile", "The Boiler is out", "a word may be within another" },
        { 0, "boilers", "The boiler is out", "a longer word" },
        { 1, "out boiler", "The boiler is out", "words in any order" },
        { 0, "boiler gas", "The boiler is out", "a word that is missing" },
        { 1, "\"Boiler IS\"", "The boiler is out", "a phrase" },
        { 0, "\"is boiler\"", "The boiler is out", "a phrase has an order" },
        { 1, "strasse", "Die Straße", "German: ss finds ß" },
        { 1, "STRAẞE", "Die Strasse", "German: capital ẞ finds ss" },
        { 1, "laufen", "läufen", "German: a finds ä" },
        { 1, "LÄUFT", "la\xcc\x88uft", "ä finds a with a combining mark" },
        { 1, "cafe", "Café", "French: e finds é" },
        { 1, "café", "CAFE\xcc\x81", "French: é in two forms" },
        { 1, "istanbul", "İSTANBUL", "Turkish: i finds İ" },
        { 1, "İstanbul", "istanbul", "Turkish: İ finds i" },
        { 0, "ısı", "isi", "Turkish: dotless ı is another letter" },
        { 1, "ΟΔΟΣ", "η οδός", "Greek: a final sigma, an accent" },
        { 1, "οδοσ", "ΟΔΟΣ", "Greek: sigma finds final sigma" },
        { 1, "ἀρχή", "ΑΡΧΗ", "Greek: breathings" },
        { 1, "ЁЛКА", "елка", "Russian: е finds ё" },
        { 1, "й", "и", "Russian: й has a mark of category Mn" },
        { 1, "rent", "ｒｅｎｔ", "full-width Latin" },
        { 1, "１２", "12", "full-width digits" },
        { 1, "カギ", "ｶｷﾞ", "half-width Katakana" },
        { 1, "か", "が", "Japanese: the voiced mark is of category Mn" },
        { 1, "한국", "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab국",
          "Korean: Hangul in parts" },
        { 0, "가", "각", "Korean: a syllable is not part of another" },
        { 1, "سلام", "سَلَام", "Arabic: marks are ignored" },
        { 1, "שלום", "שָׁלוֹם", "Hebrew: points are ignored" },
        { 1, "hi", "ﬁ hı Hi", "a word among ligatures" },
        { 1, "fire", "ﬁre", "a ligature" },
        { 1, "viet", "Việt Nam", "Vietnamese: two marks" },
        { 1, "नमसत", "नमस्ते", "Hindi: marks" },
        { 1, "🔥", "It is 🔥 here", "an emoji" },
        { 0, "🔥", "It is 💧 here", "another emoji" },
        { 1, "m2", "40 m²", "a superscript" },
        { 1, "½", "1\xe2\x81\x84" "2", "a fraction" },
        { 1, "加热", "没有加热了", "Chinese: within a sentence" },
        { 1, "\xcc\x81", "e", "a mark alone is in every text" },
        { 0, "x", "", "an empty text" },
        { 1, "a\xc2\xa0" "b", "b a", "a no-break space separates words" },
        { 1, "\"a b\"", "a\xc2\xa0" "b", "a no-break space is a space" }
    };

    for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        is_num(matches(list[i].search, list[i].text), list[i].found,
               list[i].name);
    }
}


static match_result_e
entry(const char *search, const match_limits_t *limits, const char *text,
    const char *sender)
{
    match_t         match;
    match_result_e  result;
    thread_entry_t  e;
    char            s[1024];

    (void) snprintf(s, sizeof(s), "{\"seq\":7,\"kind\":\"message\",\"from\":"
                    "{\"user\":\"%s\",\"role\":\"tenant\",\"name\":"
                    "\"T },\\\"text\\\":\\\"gas\"},\"text\":\"%s\",\"at\":"
                    "\"2026-11-22T12:00:00.123Z\",\"client_id\":\"boiler\"}",
                    sender, text);

    memset(&e, 0, sizeof(thread_entry_t));
    e.entry = s;
    e.len = strlen(s);
    e.sender = sender;
    e.sender_len = strlen(sender);

    (void) match_init(&match, search, strlen(search), limits);
    result = match_entry(&match, &e);

    e.kind = PACK_ERASED;
    ok(match_entry(&match, &e) == MATCH_NO, "an erased entry never matches");
    e.kind = PACK_LOST;
    ok(match_entry(&match, &e) == MATCH_NO, "a lost entry never matches");

    match_free(&match);

    return result;
}


static void
test_entry(void)
{
    match_limits_t  limits;

    is_num(entry("heat", &any, "The heating", "u-tom"), MATCH_YES,
           "the text of a message matches");
    is_num(entry("gas", &any, "The heating", "u-tom"), MATCH_NO,
           "a name does not match");
    is_num(entry("boiler", &any, "The heating", "u-tom"), MATCH_NO,
           "a client_id does not match");
    is_num(entry("say", &any, "\\\"say\\\"", "u-tom"), MATCH_YES,
           "escaped quotes do not end the text");
    is_num(entry("\"a b\"", &any, "a\\tb", "u-tom"), MATCH_NO,
           "a tab is no blank");
    is_num(entry("\"a\tb\" c\\", &any, "a\\tb c\\\\", "u-tom"), MATCH_YES,
           "a tab and a backslash are found");
    is_num(entry("\xe2\x80\xa8x\xc3\xa9", &any, "\\u2028X\\u00C9", "u-tom"),
           MATCH_YES, "escaped code points are found");
    is_num(entry("x", &any, "x\\ud800", "u-tom"), MATCH_NO,
           "a surrogate makes an entry malformed");

    limits = any;
    strcpy(limits.from, "u-tom");
    is_num(entry("heat", &limits, "heat", "u-tom"), MATCH_YES, "the sender");
    is_num(entry("heat", &limits, "heat", "u-tommy"), MATCH_NO,
           "another sender");

    limits = any;
    limits.since = limits.until = INT64_C(1795348800123);
    is_num(entry("heat", &limits, "heat", "u-tom"), MATCH_YES,
           "since and until are inclusive");
    limits.since++;
    is_num(entry("heat", &limits, "heat", "u-tom"), MATCH_OLD,
           "a message before \"since\" ends the search");
    limits.since = limits.until -= 1;
    is_num(entry("heat", &limits, "heat", "u-tom"), MATCH_NO,
           "a message after \"until\" does not match");
}


/* words and texts that make a search with backtracking slow */
static void
test_slow(void)
{
    char     search[256], *text;
    size_t   i, len;
    int64_t  start;
    match_t  match;

    len = 16000;
    text = malloc(len);
    memset(text, 'a', len);
    memset(search, 'a', 200);
    search[100] = 'b';

    (void) match_init(&match, search, 200, &any);
    start = clock_monotonic();

    for (i = 0; i < 1000; i++) {
        (void) match_text(&match, text, len);
    }

    ok(clock_monotonic() - start < 2000, "16 MB take less than 2 s");

    match_free(&match);
    free(text);
}


int
main(void)
{
    test_words();
    test_check();
    test_folding();
    test_entry();
    test_slow();

    return tap_done();
}
