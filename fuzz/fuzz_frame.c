
/* messages on Redis channels: frames and verdicts; reply addresses */

#include <string.h>

#include "common/frame.h"
#include "fuzz.h"


static void
within(ll_str_t part, const char *s, size_t size)
{
    CHECK(part.data >= s && part.data + part.len <= s + size);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char           line[LL_VERDICT_LINE];
    size_t         len;
    ll_str_t       nginx, rest;
    uint64_t       request;
    const char    *s;
    ll_frame_t     frame;
    ll_verdict_t   verdict;

    s = (const char *) data;

    if (ll_frame_decode(s, size, &frame) == 0) {
        within(frame.payload, s, size);
        CHECK(memchr(frame.payload.data, '\n', frame.payload.len) == NULL);
        CHECK(frame.payload.data + frame.payload.len == s + size);

        if (frame.type == LL_FRAME_READ) {
            CHECK(ll_id_valid(frame.user.data, frame.user.len));
        }

        if (frame.type == LL_FRAME_ENTRY) {
            CHECK(frame.seq > 0);
            CHECK(frame.tag > s && frame.tag + LL_TAG_LEN < s + size);
        }
    }

    rest.data = s;
    rest.len = size;

    while (ll_frame_verdict_decode(&rest, &verdict) == 0) {
        within(verdict.body, s, size);
        within(rest, s, size);
        CHECK(verdict.body.data + verdict.body.len == rest.data);

        len = ll_frame_verdict_encode(line, &verdict);
        CHECK(len + verdict.body.len <= size);
    }

    if (ll_frame_reply_decode(s, size, &nginx, &request) == 0) {
        CHECK(ll_id_valid(nginx.data, nginx.len));
    }

    return 0;
}
