
/* UTF-8, trimming, counting, cutting, control characters */

#include <stdlib.h>

#include "t/tap.h"
#include "text.h"


#define valid(s)  text_valid(s, sizeof(s) - 1)


static void
test_valid(void)
{
    ok(valid(""), "valid: an empty text");
    ok(valid("plain"), "valid: ASCII");
    ok(valid("\xc2\x80\xdf\xbf"), "valid: the first and last of two bytes");
    ok(valid("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"),
       "valid: the first and last of three bytes");
    ok(valid("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
       "valid: the first and last of four bytes");
    ok(valid("a\0b"), "valid: a NUL");

    ok(!valid("\x80"), "invalid: a continuation byte alone");
    ok(!valid("\xc0\x80"), "invalid: an overlong NUL");
    ok(!valid("\xc1\xbf"), "invalid: two overlong bytes");
    ok(!valid("\xe0\x9f\xbf"), "invalid: three overlong bytes");
    ok(!valid("\xf0\x8f\xbf\xbf"), "invalid: four overlong bytes");
    ok(!valid("\xed\xa0\x80"), "invalid: the first surrogate");
    ok(!valid("\xed\xbf\xbf"), "invalid: the last surrogate");
    ok(!valid("\xf4\x90\x80\x80"), "invalid: past U+10FFFF");
    ok(!valid("\xf5\x80\x80\x80"), "invalid: the byte f5");
    ok(!valid("\xff"), "invalid: the byte ff");
    ok(!valid("a\xc3"), "invalid: one of two bytes");
    ok(!valid("\xe2\x82"), "invalid: two of three bytes");
    ok(!valid("\xf0\x9f\x98"), "invalid: three of four bytes");
    ok(!valid("\xc3("), "invalid: two bytes without a continuation");
    ok(!valid("\xe2\x82("), "invalid: three bytes with a wrong end");
}


/* of a copy that ends with the text, so that sanitizers see each byte beyond */
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
    normal("", "", "an empty text stays");
    normal("a", "a", "a letter stays");
    normal(" \t\r\n\v\f a b \t\r\n\v\f ", "a b",
           "ASCII white space is trimmed");
    normal("a\r\nb\r\n\r\nc", "a\nb\n\nc", "CRLF becomes LF");
    normal("a\rb", "a\rb", "a CR inside stays");
    normal("\ra\r", "a", "a CR at the ends is trimmed");
    normal("a\r\r\nb", "a\r\nb", "only the CR before LF is dropped");
    normal(" \t\n ", "", "white space alone becomes empty");
    normal("\xc2\x85\xc2\xa0" "a" "\xc2\xa0\xc2\x85", "a",
           "U+0085 and U+00A0 are trimmed");
    normal("\xe1\x9a\x80" "a" "\xe1\x9a\x80", "a", "U+1680 is trimmed");
    normal("\xe2\x80\x80\xe2\x80\x8a" "a" "\xe2\x80\x8a\xe2\x80\x80", "a",
           "U+2000 and U+200A are trimmed");
    normal("\xe2\x80\xa8\xe2\x80\xa9" "a" "\xe2\x80\xaf", "a",
           "U+2028, U+2029 and U+202F are trimmed");
    normal("\xe2\x81\x9f\xe3\x80\x80" "a" "\xe3\x80\x80", "a",
           "U+205F and U+3000 are trimmed");
    normal("\xe2\x80\x8b" "a" "\xe2\x80\x8b", "\xe2\x80\x8b" "a" "\xe2\x80\x8b",
           "U+200B is not trimmed");
    normal("\xef\xbb\xbf" "a", "\xef\xbb\xbf" "a", "U+FEFF is not trimmed");
    normal("\xe1\xa0\x8e" "a", "\xe1\xa0\x8e" "a", "U+180E is not trimmed");
    normal("\xe3\x80\x80", "", "an ideographic space alone becomes empty");
    normal(" \xf0\x9f\x98\x80 ", "\xf0\x9f\x98\x80", "an emoji stays");
    normal("\x1c" "a", "\x1c" "a", "U+001C is not trimmed");
}


static void
test_count(void)
{
    const char  *s = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";

    is_num(text_count("", 0), 0, "an empty text has 0 code points");
    is_num(text_count(s, strlen(s)), 5,
           "one code point of each size is counted");

    is_num(text_cut(s, strlen(s), 0), 0, "0 code points take 0 bytes");
    is_num(text_cut(s, strlen(s), 2), 3, "2 code points take 3 bytes");
    is_num(text_cut(s, strlen(s), 4), 10, "4 code points take 10 bytes");
    is_num(text_cut(s, strlen(s), 5), 11, "all code points take all bytes");
    is_num(text_cut(s, strlen(s), 9), 11, "more code points take all bytes");
}


static void
test_control(void)
{
#define control(s, lines)  text_control(s, sizeof(s) - 1, lines)

    is_num(control("plain \xc3\xa9 \xc2\xa0", 0), -1,
           "a text without control characters");
    is_num(control("a\tb\nc", 1), -1, "tab and LF are allowed in a text");
    is_num(control("a\tb", 0), '\t', "tab is refused in a line");
    is_num(control("a\nb", 0), '\n', "LF is refused in a line");
    is_num(control("a\rb", 1), '\r', "CR is refused");
    is_num(control("a\0b", 1), 0, "NUL is refused");
    is_num(control("a\x1f", 1), 0x1f, "U+001F is refused");
    is_num(control("a\x7f", 1), 0x7f, "DEL is refused");
    is_num(control("a\xc2\x80", 1), 0x80, "U+0080 is refused");
    is_num(control("a\xc2\x85", 1), 0x85, "U+0085 is refused");
    is_num(control("a\xc2\x9f", 1), 0x9f, "U+009F is refused");
    is_num(control("a\xc2\xa0\xc3\x80\xe2\x80\xa8", 1), -1,
           "characters past C1 are allowed");
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
