
/* searches: queries, parameters, cursors */

#include <string.h>

#include "t/tap.h"
#include "common/search.h"


static char         query[1024];
static ll_search_t  search;


static const char *
parse(const char *s, ll_search_param_e except)
{
    (void) snprintf(query, sizeof(query), "%s", s);

    return ll_search_parse(&search, query, strlen(query), except);
}


/* the words of a query that is accepted */
static void
words(const char *s, const char *expected, const char *name)
{
    char             text[256];
    const ll_str_t  *param;

    text[0] = '\0';

    if (parse(s, LL_SEARCH_CURSOR) == NULL) {
        param = &search.params[LL_SEARCH_WORDS];
        (void) snprintf(text, sizeof(text), "%.*s", (int) param->len,
                        param->data);
    }

    is_str(text, expected, name);
}


static void
refused(const char *s, const char *name)
{
    ok(parse(s, LL_SEARCH_CURSOR) != NULL, name);
}


static void
test_query(void)
{
    words("q=boiler", "boiler", "a word");
    words("q=a+b%20c%2Bd", "a b c+d", "\"+\" is a blank, \"%2B\" a plus");
    words("x=1&q=a&q=b", "a", "the first of two");
    words("&&q=a&", "a", "empty pairs are ignored");
    words("qq=b&q=a=b", "a=b", "a name is compared as a whole");
    words("q=%C3%a9", "\xc3\xa9", "hexadecimal digits of both cases");
    words("q=a&cursor=!", "a", "what is not for this search is ignored");

    refused("", "no query");
    refused("q", "no value");
    refused("q=%", "a percent sign at the end");
    refused("q=a%4", "one digit");
    refused("q=a%4g", "no digit");
    refused("q=%ff", "no UTF-8");
    refused("q=a&limit=201", "a limit");
    refused("q=a&limit=%31+", "a limit with a blank");
    refused("limit=5", "no words");

    ok(parse("q=a&before=!", LL_SEARCH_BEFORE) == NULL,
       "before is ignored over all threads");
    ok(parse("q=a&cursor=!", LL_SEARCH_BEFORE) != NULL,
       "cursor is checked there");
}


static void
test_defaults(void)
{
    ok(parse("q=a", LL_SEARCH_CURSOR) == NULL, "only words");
    is_num(search.limit, 20, "the default limit");
    ok(search.before > LL_SEQ_MAX, "before every entry");
    ok(search.since < search.until, "all times");

    ok(parse("q=a&limit=7&before=9&since=1970-01-01T00:00:01Z"
             "&until=1970-01-01T01:00:02%2B01:00", LL_SEARCH_CURSOR)
       == NULL, "all parameters");
    is_num(search.limit, 7, "limit");
    is_num(search.before, 9, "before");
    is_num(search.since, 1000, "since");
    is_num(search.until, 2000, "until");
}


static void
cursor(const char *s, int expected, const char *name)
{
    char                text[LL_SEARCH_CURSOR_MAX + 1];
    ll_search_cursor_t  place;

    is_num(ll_search_cursor_decode(&place, s, strlen(s)), expected, name);

    if (expected == 0) {
        (void) ll_search_cursor_encode(text, &place);
        is_str(text, s, "the same when encoded");
    }
}


static void
test_cursor(void)
{
    cursor("1795938680887.elm-12-3", 0, "a place");
    cursor("1795938680887.elm-12-3.482", 0, "an entry");
    cursor("0.P.1", 0, "small numbers");
    cursor("999999999999999.0123456789012345678901234567890123456789012345678"
           "901234567890123.999999999999999", 0, "the longest");
    cursor("", -1, "empty");
    cursor(".", -1, "a dot");
    cursor("1.", -1, "no property");
    cursor(".P", -1, "no time");
    cursor("1.P.", -1, "no entry");
    cursor("1.P.0", -1, "entry 0");
    cursor("1.P.01", -1, "a zero before");
    cursor("-1.P", -1, "a sign");
    cursor("1.P Q", -1, "no id");
    cursor("1.P.2.3", -1, "too many parts");
    cursor("1000000000000000.P", -1, "a time that is too long");
}


int
main(void)
{
    test_query();
    test_defaults();
    test_cursor();

    return tap_done();
}
