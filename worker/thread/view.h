
/*
 * Parts of responses as JSON, encoded once when the state changes: the
 * functions in Redis only join them.
 */


#ifndef VIEW_H
#define VIEW_H


#include <stddef.h>
#include <stdint.h>

#include "body_lease.h"
#include "buf.h"
#include "state.h"


#define VIEW_SIGNATURE  16
#define VIEW_PARTIES    6          /* listed in a thread of an inbox */


/* Appends {"id","state","starts_at","ends_at" without the closing brace. */
void view_lease(buf_t *buf, const state_lease_t *lease, const char *state,
    int64_t ends_at);

/* Appends {"id","starts_at","ends_at"} of the pending lease, or null. */
void view_next(buf_t *buf, const state_lease_t *pending);

/*
 * Appends lines of "USER FROM PARTY", each party without its closing brace, to
 * which Redis adds the read mark; without parties whose bit is set in departed.
 */
void view_parties(buf_t *buf, const state_lease_t *lease, uint64_t departed);

/*
 * Computes a text that differs if the lease or the parties differ.  Returns 0,
 * or -1 if memory is short.
 */
int view_signature(char dst[VIEW_SIGNATURE + 1], const buf_t *lease,
    const buf_t *parties);

/*
 * view_thread() appends a thread of the active lease, as in the inbox of that
 * role, up to the number of unread messages: the same bytes as thread_json() in
 * functions_view.lua.  view_thread_end() appends that number and the newest
 * entry, without the closing brace, as in events the total follows.
 */
void view_thread(buf_t *buf, const char *property, const state_t *state,
    body_role_e role);
void view_thread_end(buf_t *buf, int64_t unread, const char *last,
    size_t len);


#endif /* VIEW_H */
