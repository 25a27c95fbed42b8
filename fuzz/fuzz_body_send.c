
/* bodies of sends: a valid one is within the limits of the contract */

#include <string.h>

#include "fuzz.h"
#include "body.h"
#include "problem.h"
#include "text.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    buf_t        buf = BUF_INIT;
    size_t       count;
    faults_t     faults = FAULTS_INIT;
    body_send_t  send;

    if (body_send_parse((const char *) data, size, &send, &faults) == 0) {
        CHECK(faults.n == 0);
        CHECK(ll_id_valid(send.client_id, strlen(send.client_id)));
        CHECK(strlen(send.text) == send.text_len);
        CHECK(text_valid(send.text, send.text_len));
        CHECK(text_control(send.text, send.text_len, 1) == -1);

        count = text_count(send.text, send.text_len);

        CHECK(count >= 1 && count <= BODY_TEXT_MAX);
        CHECK(text_normalize(send.text, send.text_len) == send.text_len);

        body_send_free(&send);

    } else {
        CHECK(faults.n > 0);

        problem_write(&buf, PROBLEM_INVALID_BODY, NULL, &faults);

        CHECK(!buf_failed(&buf));
        CHECK(text_valid(buf.data, buf.len));
        CHECK(text_control(buf.data, buf.len, 0) != '\n');
    }

    fault_free(&faults);
    buf_free(&buf);

    return 0;
}
