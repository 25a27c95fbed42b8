
/* leases: a valid one is the same after encoding and decoding */

#include <string.h>

#include "fuzz.h"
#include "body_lease.h"
#include "text.h"


static void
round_trip(const body_lease_t *lease)
{
    buf_t         once = BUF_INIT, twice = BUF_INIT;
    body_lease_t  again;

    body_lease_encode(&once, lease);

    CHECK(text_valid(once.data, once.len));
    CHECK(body_lease_decode(once.data, once.len, &again) == 0);

    body_lease_encode(&twice, &again);

    CHECK(once.len == twice.len);
    CHECK(memcmp(once.data, twice.data, once.len) == 0);

    body_lease_free(&again);
    buf_free(&once);
    buf_free(&twice);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    faults_t      faults = FAULTS_INIT;
    body_lease_t  lease;

    if (body_lease_parse((const char *) data, size, &lease, &faults) == 0) {
        CHECK(faults.n == 0);
        CHECK(lease.nparties >= 2 && lease.nparties <= 2 * BODY_SIDE_MAX);
        CHECK(lease.ends_at > lease.starts_at);

        round_trip(&lease);
        body_lease_free(&lease);

    } else {
        CHECK(faults.n > 0);
    }

    fault_free(&faults);

    return 0;
}
