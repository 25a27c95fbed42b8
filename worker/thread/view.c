
/* Encodes views of leases as JSON. */

#include <stdio.h>
#include <string.h>

#include "chain.h"
#include "json.h"
#include "view.h"


static void
view_times(buf_t *buf, const state_lease_t *lease, int64_t ends_at)
{
    buf_lit(buf, ",\"starts_at\":");
    json_time(buf, lease->starts_at);
    buf_lit(buf, ",\"ends_at\":");
    json_time(buf, ends_at);
}


void
view_lease(buf_t *buf, const state_lease_t *lease, const char *state,
    int64_t ends_at)
{
    buf_lit(buf, "{\"id\":");
    json_strings(buf, lease->body.lease_id);
    buf_lit(buf, ",\"state\":\"");
    buf_adds(buf, state);
    buf_lit(buf, "\"");
    view_times(buf, lease, ends_at);
}


void
view_next(buf_t *buf, const state_lease_t *pending)
{
    buf_lit(buf, "{\"id\":");
    json_strings(buf, pending->body.lease_id);
    view_times(buf, pending, pending->ends_at);
    buf_lit(buf, "}");
}


/* without the closing brace */
static void
view_party(buf_t *buf, const body_party_t *party)
{
    buf_lit(buf, "{\"user\":");
    json_strings(buf, party->user);
    buf_lit(buf, ",\"role\":\"");
    buf_adds(buf, body_lease_role_name(party->role));
    buf_lit(buf, "\",\"name\":");
    json_strings(buf, party->name);
}


void
view_parties(buf_t *buf, const state_lease_t *lease, uint64_t departed)
{
    size_t               i;
    const body_party_t  *party;

    for (i = 0; i < lease->body.nparties; i++) {

        if (departed & (UINT64_C(1) << i)) {
            continue;
        }

        party = &lease->body.parties[i];

        buf_adds(buf, party->user);
        buf_lit(buf, " ");
        buf_number(buf, (int64_t) lease->from[i]);
        buf_lit(buf, " ");
        view_party(buf, party);
        buf_lit(buf, "\n");
    }
}


int
view_signature(char dst[VIEW_SIGNATURE + 1], const buf_t *lease,
    const buf_t *parties)
{
    int            i;
    buf_t          all = BUF_INIT;
    unsigned char  hash[CHAIN_HASH];

    buf_add(&all, lease->data, lease->len);
    buf_lit(&all, "\n");
    buf_add(&all, parties->data, parties->len);

    if (buf_failed(&all) || chain_first(hash, all.data, all.len) == -1) {
        buf_free(&all);
        return -1;
    }

    buf_free(&all);

    for (i = 0; i < VIEW_SIGNATURE / 2; i++) {
        (void) snprintf(dst + i * 2, 3, "%02x", hash[i]);
    }

    return 0;
}
