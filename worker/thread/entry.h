
/*
 * The JSON of entries (docs/http.md).  An entry is encoded once: the same bytes
 * are hashed, stored, published, streamed and polled.
 *
 * Strings must be UTF-8; the result is one line without a newline.
 */


#ifndef ENTRY_H
#define ENTRY_H


#include <stddef.h>
#include <stdint.h>

#include "body_lease.h"
#include "buf.h"


typedef enum {
    ENTRY_OPENED = 0,
    ENTRY_ENDED,
    ENTRY_JOINED,
    ENTRY_LEFT
} entry_event_e;


typedef struct {
    uint64_t             seq;
    int64_t              at;
    const body_party_t  *from;
    const char          *text;
    size_t               text_len;
    const char          *client_id;
} entry_message_t;


typedef struct {
    uint64_t             seq;
    int64_t              at;
    entry_event_e        event;
    const char          *lease_id;
    const body_party_t  *party;    /* of joined and left, else NULL */
} entry_lease_t;


/* Appends {"seq","kind":"message","from":{...},"text","at","client_id"}. */
void entry_message(buf_t *buf, const entry_message_t *message);

/* Appends {"seq","kind":"lease","event","lease_id"[,"party":{...}],"at"}. */
void entry_lease(buf_t *buf, const entry_lease_t *lease);

/*
 * Append an entry whose message was erased, and its form in inboxes; both times
 * are those of JSON, CLOCK_LEN bytes.
 */
void entry_erased(buf_t *buf, uint64_t seq, const char *at,
    const char *erased_at);
void entry_erased_last(buf_t *buf, uint64_t seq, const char *at);

/* Append the form in inboxes: {"seq","kind","event","from","preview","at"}. */
void entry_message_last(buf_t *buf, const entry_message_t *message);
void entry_lease_last(buf_t *buf, const entry_lease_t *lease);

/* Returns "opened", "ended", "joined" or "left". */
const char *entry_event_name(entry_event_e event);


#endif /* ENTRY_H */
