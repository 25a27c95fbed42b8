
/* times: a valid one is the same after formatting and parsing */

#include "fuzz.h"
#include "clock.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char     text[CLOCK_LEN + 1];
    int64_t  ms, back;

    if (clock_parse((const char *) data, size, &ms) == 0) {
        CHECK(ms >= CLOCK_MIN && ms <= CLOCK_MAX);

        clock_format(text, ms);

        CHECK(clock_parse(text, CLOCK_LEN, &back) == 0 && back == ms);
    }

    return 0;
}
