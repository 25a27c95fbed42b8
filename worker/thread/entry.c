
/* Encodes entries as JSON. */

#include <string.h>

#include "clock.h"
#include "entry.h"
#include "json.h"
#include "text.h"


/* code points of a text in an inbox */
#define ENTRY_PREVIEW_MAX  140


static const char  *entry_events[] = { "opened", "ended", "joined", "left" };


const char *
entry_event_name(entry_event_e event)
{
    return entry_events[event];
}


/* appends {"user":...,"role":...,"name":...} */
static void
entry_party(buf_t *buf, const body_party_t *party)
{
    buf_lit(buf, "{\"user\":");
    json_strings(buf, party->user);
    buf_lit(buf, ",\"role\":");
    json_strings(buf, body_lease_role_name(party->role));
    buf_lit(buf, ",\"name\":");
    json_strings(buf, party->name);
    buf_lit(buf, "}");
}


void
entry_message(buf_t *buf, const entry_message_t *message)
{
    buf_lit(buf, "{\"seq\":");
    buf_number(buf, (int64_t) message->seq);
    buf_lit(buf, ",\"kind\":\"message\",\"from\":");
    entry_party(buf, message->from);
    buf_lit(buf, ",\"text\":");
    json_quote(buf, message->text, message->text_len);
    buf_lit(buf, ",\"at\":");
    json_time(buf, message->at);
    buf_lit(buf, ",\"client_id\":");
    json_strings(buf, message->client_id);
    buf_lit(buf, "}");
}


void
entry_lease(buf_t *buf, const entry_lease_t *lease)
{
    buf_lit(buf, "{\"seq\":");
    buf_number(buf, (int64_t) lease->seq);
    buf_lit(buf, ",\"kind\":\"lease\",\"event\":");
    json_strings(buf, entry_event_name(lease->event));
    buf_lit(buf, ",\"lease_id\":");
    json_strings(buf, lease->lease_id);

    if (lease->party) {
        buf_lit(buf, ",\"party\":");
        entry_party(buf, lease->party);
    }

    buf_lit(buf, ",\"at\":");
    json_time(buf, lease->at);
    buf_lit(buf, "}");
}


void
entry_erased(buf_t *buf, uint64_t seq, const char *at, const char *erased_at)
{
    buf_lit(buf, "{\"seq\":");
    buf_number(buf, (int64_t) seq);
    buf_lit(buf, ",\"kind\":\"erased\",\"at\":\"");
    buf_add(buf, at, CLOCK_LEN);
    buf_lit(buf, "\",\"erased_at\":\"");
    buf_add(buf, erased_at, CLOCK_LEN);
    buf_lit(buf, "\"}");
}


void
entry_erased_last(buf_t *buf, uint64_t seq, const char *at)
{
    buf_lit(buf, "{\"seq\":");
    buf_number(buf, (int64_t) seq);
    buf_lit(buf, ",\"kind\":\"erased\",\"event\":null,\"from\":null,"
                 "\"preview\":null,\"at\":\"");
    buf_add(buf, at, CLOCK_LEN);
    buf_lit(buf, "\"}");
}


void
entry_message_last(buf_t *buf, const entry_message_t *message)
{
    buf_lit(buf, "{\"seq\":");
    buf_number(buf, (int64_t) message->seq);
    buf_lit(buf, ",\"kind\":\"message\",\"event\":null,\"from\":");
    json_strings(buf, message->from->user);
    buf_lit(buf, ",\"preview\":");
    json_quote(buf, message->text,
                text_cut(message->text, message->text_len, ENTRY_PREVIEW_MAX));
    buf_lit(buf, ",\"at\":");
    json_time(buf, message->at);
    buf_lit(buf, "}");
}


void
entry_lease_last(buf_t *buf, const entry_lease_t *lease)
{
    buf_lit(buf, "{\"seq\":");
    buf_number(buf, (int64_t) lease->seq);
    buf_lit(buf, ",\"kind\":\"lease\",\"event\":");
    json_strings(buf, entry_event_name(lease->event));
    buf_lit(buf, ",\"from\":null,\"preview\":null,\"at\":");
    json_time(buf, lease->at);
    buf_lit(buf, "}");
}
