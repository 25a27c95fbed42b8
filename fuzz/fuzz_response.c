
/* HTTP responses: the same, in whatever pieces they are received */

#include <string.h>

#include "fuzz.h"
#include "response.h"


static int
same(const buf_t *a, const buf_t *b)
{
    return a->len == b->len
           && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t        i;
    const char   *s;
    response_t    whole = RESPONSE_INIT, bytes = RESPONSE_INIT;

    s = (const char *) data;

    CHECK(response_take(&whole, s, size) == 0);

    for (i = 0; i < size; i++) {
        CHECK(response_take(&bytes, s + i, 1) == 0);
    }

    CHECK(whole.complete == bytes.complete && whole.chunked == bytes.chunked);
    CHECK(same(&whole.head, &bytes.head) && same(&whole.body, &bytes.body));
    CHECK(response_status(&whole) == response_status(&bytes));
    CHECK(whole.head.len + whole.body.len <= size);
    CHECK(whole.complete || whole.body.len == 0);
    CHECK(response_status(&whole) <= 999);

    (void) response_has(&whole, "content-encoding", "gzip");

    response_free(&whole);
    response_free(&bytes);

    return 0;
}
