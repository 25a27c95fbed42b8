
/* frames, verdicts and reply addresses */

#include "common/frame.h"
#include "t/tap.h"


static int
decode(const char *s, ll_frame_t *frame)
{
    return ll_frame_decode(s, strlen(s), frame);
}


static void
test_good(void)
{
    ll_frame_t  f;

    ok(decode("E 7 3 482 9f3a01c2\n{\"seq\":482}", &f) == 0,
       "entry: the frame is decoded");
    ok(f.type == LL_FRAME_ENTRY && f.ver == 7 && f.rev == 3 && f.seq == 482,
       "entry: type and numbers");
    is_mem(f.tag, LL_TAG_LEN, "9f3a01c2", "entry: tag");
    is_mem(f.payload.data, f.payload.len, "{\"seq\":482}", "entry: payload");

    ok(decode("R 8 3 u-tom 1\n{}", &f) == 0, "read: the frame is decoded");
    ok(f.type == LL_FRAME_READ && f.ver == 8 && f.rev == 3 && f.shown == 1,
       "read: type and numbers");
    is_mem(f.user.data, f.user.len, "u-tom", "read: user");
    ok(decode("R 8 3 u-tom 0\n{}", &f) == 0 && f.shown == 0,
       "read: a hidden mark");

    ok(decode("L 9 4\n", &f) == 0, "lease: the frame is decoded");
    ok(f.type == LL_FRAME_LEASE && f.ver == 9 && f.rev == 4
       && f.payload.len == 0, "lease: type and numbers, without payload");

    ok(decode("X 10 4 2\n", &f) == 0, "erasure: the frame is decoded");
    ok(f.type == LL_FRAME_ERASED && f.ver == 10 && f.rev == 4
       && f.erasures == 2, "erasure: type and numbers");

    ok(decode("I 12 5\n{\"property\":\"p\"}", &f) == 0,
       "inbox: the frame is decoded");
    ok(f.type == LL_FRAME_INBOX && f.rev == 12 && f.total == 5,
       "inbox: type and numbers");
    ok(decode("I 12 5\n", &f) == 0 && f.payload.len == 0,
       "inbox: a removed thread has no payload");
}


static void
test_bad(void)
{
    char        name[64];
    size_t      i;
    ll_frame_t  f;

    static const char  *bad[] = {
        "", "E", "E ", "Y 1 2\n", "X 1 2\n", "X 1 2 x\n", "X 1 2 3 4\n",
        "E7 3 482 9f3a01c2\n{}",
        "E 7 3 482 9f3a01c2", "E 7 3 482\n{}", "E 7 3 0 9f3a01c2\n{}",
        "E 7 3 482 9F3A01C2\n{}", "E 7 3 482 9f3a01c\n{}",
        "E 7 3 482 9f3a01c22\n{}", "E -7 3 482 9f3a01c2\n{}",
        "E 7 3 482 9f3a01c2 \n{}", "E 7  3 482 9f3a01c2\n{}",
        "E 7 3 482 9f3a01c2\n{}\n", "E 7 3 482 9f3a01c2\n{\r}",
        "R 8 3 u.tom 1\n{}", "R 8 3  1\n{}", "R 8 3 u-tom 2\n{}",
        "R 8 3 u-tom\n{}", "R 8 3 u-tom 10\n{}",
        "L 9\n", "L 9 4", "L 9 4 5\n", "I 12\n{}", "I x 5\n{}",
        "I 12 1000000000000000\n{}", "E 07 3 482 9f3a01c2\n{}"
    };

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void) snprintf(name, sizeof(name), "invalid frame %zu is refused", i);
        ok(decode(bad[i], &f) == -1, name);
    }

    ok(ll_frame_decode("L 9 4\n", 5, &f) == -1,
       "no byte past the length of a frame is read");
}


/* decodes the first verdict of a text: 0 if `rest` bytes are left, -1, or -2 */
static int
verdict(const char *text, size_t rest, ll_verdict_t *v)
{
    ll_str_t  s;

    s.data = text;
    s.len = strlen(text);

    if (ll_frame_verdict_decode(&s, v) != 0) {
        return -1;
    }

    return s.len == rest && s.data == text + strlen(text) - rest ? 0 : -2;
}


static void
test_verdicts(void)
{
    char          line[LL_VERDICT_LINE];
    size_t        i, len;
    ll_verdict_t  v;

    static const char  *bad[] = {
        "17 99 0 0\n", "17 600 0 0\n", "17 201 0\n", "17 201 482 0",
        "17 201 482 3\n{}", "17 201 482 -1\n", "17 201 482 01\n{",
        "17 201 482 99999999999999999999\n{}", "probe 3\n", ""
    };

    v.request = LL_SEQ_MAX;
    v.status = 201;
    v.seq = LL_SEQ_MAX;
    v.body.len = SIZE_MAX;
    len = ll_frame_verdict_encode(line, &v);
    is_mem(line, len, "999999999999999 201 999999999999999"
           " 18446744073709551615\n", "the longest verdict line is encoded");

    ok(verdict("17 201 482 3\n{\n}", 0, &v) == 0, "a verdict is decoded");
    ok(v.request == 17 && v.status == 201 && v.seq == 482,
       "a verdict has request, status and seq");
    is_mem(v.body.data, v.body.len, "{\n}",
           "the body of a verdict keeps its newlines");

    ok(verdict("17 204 0 0\n", 0, &v) == 0 && v.body.len == 0,
       "a verdict without a body is decoded");

    ok(verdict("17 201 482 2\n{}18 204 0 0\n", 11, &v) == 0,
       "the first of two verdicts is decoded");
    is_mem(v.body.data, v.body.len, "{}",
           "the first of two verdicts has its own body");

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ok(verdict(bad[i], 0, &v) == -1, bad[i]);
    }
}


static void
test_replies(void)
{
    ll_str_t  nginx;
    uint64_t  request;

    ok(ll_frame_reply_decode("n-1.42", 6, &nginx, &request) == 0,
       "a reply address is decoded");
    is_mem(nginx.data, nginx.len, "n-1",
           "a reply address has the nginx process");
    is_num(request, 42, "a reply address has the request");

    ok(ll_frame_reply_decode(".42", 3, &nginx, &request) == -1,
       "a reply address without a process is refused");
    ok(ll_frame_reply_decode("n.", 2, &nginx, &request) == -1,
       "a reply address without a request is refused");
    ok(ll_frame_reply_decode("n.4x", 4, &nginx, &request) == -1,
       "a reply address with a bad request is refused");
    ok(ll_frame_reply_decode("n m.4", 5, &nginx, &request) == -1,
       "a reply address with a bad process is refused");
    ok(ll_frame_reply_decode("n", 1, &nginx, &request) == -1,
       "a reply address without a point is refused");
    ok(ll_frame_reply_decode("", 0, &nginx, &request) == -1,
       "an empty reply address is refused");
}


int
main(void)
{
    test_good();
    test_bad();
    test_verdicts();
    test_replies();

    return tap_done();
}
