
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
    words("q=boiler", "boiler", "a word is found in the query");
    words("q=a+b%20c%2Bd", "a b c+d", "\"+\" is a blank, \"%2B\" a plus");
    words("x=1&q=a&q=b", "a", "the first of two values counts");
    words("&&q=a&", "a", "empty pairs are ignored");
    words("qq=b&q=a=b", "a=b", "a name is compared as a whole");
    words("q=%C3%a9", "\xc3\xa9", "hexadecimal digits of both cases");
    words("q=a&cursor=!", "a", "what is not for this search is ignored");

    refused("", "an empty query is refused");
    refused("q", "a name without a value is refused");
    refused("q=%", "a percent sign at the end is refused");
    refused("q=a%4", "a percent sign with one digit is refused");
    refused("q=a%4g", "a digit that is not hexadecimal is refused");
    refused("q=%ff", "invalid UTF-8 is refused");
    refused("q=a&limit=201", "a limit over 200 is refused");
    refused("q=a&limit=%31+", "a limit with a blank is refused");
    refused("limit=5", "a query without words is refused");

    ok(parse("q=a&before=!", LL_SEARCH_BEFORE) == NULL,
       "\"before\" is ignored over all threads");
    ok(parse("q=a&cursor=!", LL_SEARCH_BEFORE) != NULL,
       "\"cursor\" is checked over all threads");
}


static void
test_defaults(void)
{
    ok(parse("q=a", LL_SEARCH_CURSOR) == NULL, "words are enough");
    is_num(search.limit, 20, "the limit is 20 unless told");
    ok(search.before > LL_SEQ_MAX, "a search begins at the newest entry");
    ok(search.since < search.until, "it covers all times");

    ok(parse("q=a&limit=7&before=9&since=1970-01-01T00:00:01Z"
             "&until=1970-01-01T01:00:02%2B01:00", LL_SEARCH_CURSOR)
       == NULL, "all parameters are accepted");
    is_num(search.limit, 7, "\"limit\" is parsed");
    is_num(search.before, 9, "\"before\" is parsed");
    is_num(search.since, 1000, "\"since\" is parsed");
    is_num(search.until, 2000, "\"until\" is parsed, with its offset");
}


static void
cursor(const char *s, int expected, const char *name)
{
    char                text[LL_SEARCH_CURSOR_MAX + 1];
    ll_search_cursor_t  place;

    is_num(ll_search_cursor_decode(&place, s, strlen(s)), expected, name);

    if (expected == 0) {
        (void) ll_search_cursor_encode(text, &place);
        is_str(text, s, "it is the same when encoded");
    }
}


static void
test_cursor(void)
{
    cursor("1795938680887.elm-12-3", 0, "a cursor names a thread");
    cursor("1795938680887.elm-12-3.482", 0, "a cursor names an entry");
    cursor("0.P.1", 0, "the smallest numbers are valid");
    cursor("999999999999999.0123456789012345678901234567890123456789012345678"
           "901234567890123.999999999999999", 0, "the longest cursor is valid");
    cursor("", -1, "an empty cursor is refused");
    cursor(".", -1, "a dot alone is refused");
    cursor("1.", -1, "a cursor without a property is refused");
    cursor(".P", -1, "a cursor without a time is refused");
    cursor("1.P.", -1, "a dot without an entry is refused");
    cursor("1.P.0", -1, "entry 0 is refused");
    cursor("1.P.01", -1, "an entry with a leading zero is refused");
    cursor("-1.P", -1, "a sign is refused");
    cursor("1.P Q", -1, "an invalid id is refused");
    cursor("1.P.2.3", -1, "a fourth part is refused");
    cursor("1000000000000000.P", -1, "a time of 16 digits is refused");
}


int
main(void)
{
    test_query();
    test_defaults();
    test_cursor();

    return tap_done();
}
