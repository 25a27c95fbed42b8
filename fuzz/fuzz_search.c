
/*
 * searches: the query of a URL, its parameters when they are parsed again, and
 * cursors, which are the same after decoding and encoding
 */

#include <string.h>

#include "common/date.h"
#include "common/search.h"
#include "fuzz.h"


#define SEARCH_MAX  4096


static void
search_check_cursor(const ll_search_cursor_t *cursor, const char *s, size_t len)
{
    char  text[LL_SEARCH_CURSOR_MAX + 1];

    CHECK(ll_id_valid(cursor->property.data, cursor->property.len));
    CHECK(cursor->seq <= LL_SEQ_MAX);
    CHECK(ll_search_cursor_encode(text, cursor) == len);
    CHECK(memcmp(text, s, len) == 0);
}


/* what the worker gets is what nginx has parsed */
static void
search_check(const ll_search_t *search)
{
    int              i;
    ll_search_t      again;
    const ll_str_t  *param;

    ll_search_init(&again);

    for (i = 0; i < LL_SEARCH_PARAMS; i++) {
        param = &search->params[i];

        if (param->data) {
            CHECK(ll_search_set(&again, (ll_search_param_e) i, param->data,
                                param->len)
                  == NULL);
        }
    }

    CHECK(again.since == search->since && again.until == search->until);
    CHECK(again.before == search->before && again.limit == search->limit);
    CHECK(again.cursor.seq == search->cursor.seq);
    CHECK(search->since >= LL_DATE_MIN && search->until <= LL_DATE_MAX);
    CHECK(search->limit >= 1 && search->limit <= LL_SEARCH_LIMIT_MAX);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                 i;
    char                query[SEARCH_MAX];
    const char         *s;
    ll_search_t         search;
    ll_search_cursor_t  cursor;

    static const ll_search_param_e  except[] = {
        LL_SEARCH_BEFORE, LL_SEARCH_CURSOR
    };

    s = (const char *) data;

    if (ll_search_cursor_decode(&cursor, s, size) == 0) {
        search_check_cursor(&cursor, s, size);
    }

    for (i = 0; size && size <= SEARCH_MAX && i < 2; i++) {
        memcpy(query, data, size);

        if (ll_search_parse(&search, query, size, except[i]) == NULL) {
            CHECK(search.params[except[i]].data == NULL);
            search_check(&search);
        }
    }

    return 0;
}
