
/* UTF-8, normalization, counting, cutting, control characters */

#include <stdlib.h>

#include "t/tap.h"
#include "text.h"


#define valid(s)  text_valid(s, sizeof(s) - 1)


static void
test_valid(void)
{
    ok(valid(""), "empty");
    ok(valid("plain"), "ASCII");
    ok(valid("\xc2\x80\xdf\xbf"), "two bytes, both ends");
    ok(valid("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"),
       "three bytes, all ends");
    ok(valid("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), "four bytes, both ends");
    ok(valid("a\0b"), "NUL is UTF-8");

    ok(!valid("\x80"), "a tail alone");
    ok(!valid("\xc0\x80"), "overlong NUL");
    ok(!valid("\xc1\xbf"), "overlong, two bytes");
    ok(!valid("\xe0\x9f\xbf"), "overlong, three bytes");
    ok(!valid("\xf0\x8f\xbf\xbf"), "overlong, four bytes");
    ok(!valid("\xed\xa0\x80"), "the first surrogate");
    ok(!valid("\xed\xbf\xbf"), "the last surrogate");
    ok(!valid("\xf4\x90\x80\x80"), "past U+10FFFF");
    ok(!valid("\xf5\x80\x80\x80"), "f5");
    ok(!valid("\xff"), "ff");
    ok(!valid("a\xc3"), "two bytes, cut");
    ok(!valid("\xe2\x82"), "three bytes, cut");
    ok(!valid("\xf0\x9f\x98"), "four bytes, cut");
    ok(!valid("\xc3("), "two bytes, bad tail");
    ok(!valid("\xe2\x82("), "three bytes, bad tail");
}


/* in memory of its very size, for sanitizers to see */

static void
normal(const char *s, const char *expected, const char *name)
{
    char    *copy;
    size_t   len;

    len = strlen(s);
    copy = malloc(len + 1);
    memcpy(copy, s, len);

    len = text_normalize(copy, len);
    copy[len] = '\0';

    is_str(copy, expected, name);
    free(copy);
}


static void
test_normalize(void)
{
    normal("", "", "nothing");
    normal("a", "a", "a letter");
    normal(" \t\r\n\v\f a b \t\r\n\v\f ", "a b", "ASCII white space");
    normal("a\r\nb\r\n\r\nc", "a\nb\n\nc", "CRLF");
    normal("a\rb", "a\rb", "CR inside stays");
    normal("\ra\r", "a", "CR at the ends goes");
    normal("a\r\r\nb", "a\r\nb", "only the pair is made one");
    normal(" \t\n ", "", "white space only");
    normal("\xc2\x85\xc2\xa0" "a" "\xc2\xa0\xc2\x85", "a", "U+0085, U+00A0");
    normal("\xe1\x9a\x80" "a" "\xe1\x9a\x80", "a", "U+1680");
    normal("\xe2\x80\x80\xe2\x80\x8a" "a" "\xe2\x80\x8a\xe2\x80\x80", "a",
           "U+2000, U+200A");
    normal("\xe2\x80\xa8\xe2\x80\xa9" "a" "\xe2\x80\xaf", "a",
           "U+2028, U+2029, U+202F");
    normal("\xe2\x81\x9f\xe3\x80\x80" "a" "\xe3\x80\x80", "a",
           "U+205F, U+3000");
    normal("\xe2\x80\x8b" "a" "\xe2\x80\x8b", "\xe2\x80\x8b" "a" "\xe2\x80\x8b",
           "U+200B is no white space");
    normal("\xef\xbb\xbf" "a", "\xef\xbb\xbf" "a", "nor is U+FEFF");
    normal("\xe1\xa0\x8e" "a", "\xe1\xa0\x8e" "a", "nor is U+180E");
    normal("\xe3\x80\x80", "", "ideographic space only");
    normal(" \xf0\x9f\x98\x80 ", "\xf0\x9f\x98\x80", "an emoji stays");
    normal("\x1c" "a", "\x1c" "a", "U+001C is no White_Space");
}


static void
test_count(void)
{
    const char  *s = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";

    is_num(text_count("", 0), 0, "nothing");
    is_num(text_count(s, strlen(s)), 5, "one of each size");

    is_num(text_cut(s, strlen(s), 0), 0, "cut at 0");
    is_num(text_cut(s, strlen(s), 2), 3, "cut at 2");
    is_num(text_cut(s, strlen(s), 4), 10, "cut at 4");
    is_num(text_cut(s, strlen(s), 5), 11, "cut at all");
    is_num(text_cut(s, strlen(s), 9), 11, "cut past all");
}


static void
test_control(void)
{
#define control(s, lines)  text_control(s, sizeof(s) - 1, lines)

    is_num(control("plain \xc3\xa9 \xc2\xa0", 0), -1, "none");
    is_num(control("a\tb\nc", 1), -1, "tab and LF pass in a text");
    is_num(control("a\tb", 0), '\t', "tab does not in a line");
    is_num(control("a\nb", 0), '\n', "nor does LF");
    is_num(control("a\rb", 1), '\r', "CR");
    is_num(control("a\0b", 1), 0, "NUL");
    is_num(control("a\x1f", 1), 0x1f, "U+001F");
    is_num(control("a\x7f", 1), 0x7f, "DEL");
    is_num(control("a\xc2\x80", 1), 0x80, "U+0080");
    is_num(control("a\xc2\x85", 1), 0x85, "U+0085");
    is_num(control("a\xc2\x9f", 1), 0x9f, "U+009F");
    is_num(control("a\xc2\xa0\xc3\x80\xe2\x80\xa8", 1), -1, "past C1");
}


int
main(void)
{
    test_valid();
    test_normalize();
    test_count();
    test_control();

    return tap_done();
}
