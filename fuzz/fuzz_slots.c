
/* MOVED and ASK: what is accepted lies within the text and within bounds */

#include <string.h>

#include "common/slots.h"
#include "fuzz.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned             i;
    const char          *s;
    static ll_slots_t    map;
    ll_slots_redirect_t  r;

    s = (const char *) data;

    CHECK(ll_slots_of(s, size) < LL_SLOTS);

    if (ll_slots_redirect(&r, s, size) == -1) {
        return 0;
    }

    CHECK(r.slot < LL_SLOTS && r.port >= 1 && r.port <= 65535);
    CHECK(r.host >= s && r.host + r.host_len < s + size);

    ll_slots_clear(&map);

    if (ll_slots_add(&map, r.slot, r.slot, r.host, r.host_len, r.port) == 0) {
        CHECK(map.covered == 1 && map.nnodes == 1);
        CHECK(ll_slots_node(&map, r.slot) == 0);
        CHECK(strlen(map.nodes[0].host) == r.host_len);

        for (i = 0; i < LL_SLOTS; i++) {
            CHECK(i == r.slot || ll_slots_node(&map, i) == -1);
        }
    }

    return 0;
}
