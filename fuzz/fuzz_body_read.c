
/* bodies of read marks */

#include "common/cursor.h"
#include "fuzz.h"
#include "body.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t       i;
    faults_t     faults = FAULTS_INIT;
    body_read_t  read;

    if (body_read_parse((const char *) data, size, &read, &faults) == 0) {
        CHECK(faults.n == 0);
        CHECK(read.nmarks >= 1 && read.nmarks <= BODY_MARKS_MAX);

        for (i = 0; i < read.nmarks; i++) {
            CHECK(read.marks[i] <= LL_SEQ_MAX);
        }

    } else {
        CHECK(faults.n > 0);
    }

    fault_free(&faults);

    return 0;
}
