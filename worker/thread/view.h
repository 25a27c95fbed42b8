
/*
 * What of a property's state goes into answers, as JSON made once: the
 * functions in Redis and the inbox only put pieces together.
 */


#ifndef VIEW_H
#define VIEW_H


#include <stddef.h>
#include <stdint.h>

#include "body_lease.h"
#include "buf.h"
#include "state.h"


#define VIEW_SIGNATURE  16
#define VIEW_PARTIES    6          /* named in a thread of the inbox */


/* {"id","state","starts_at","ends_at" without the closing brace */
void view_lease(buf_t *buf, const state_lease_t *lease, const char *state,
    int64_t ends_at);

/* {"id","starts_at","ends_at"} of the pending lease; NULL is null */
void view_next(buf_t *buf, const state_lease_t *pending);

/*
 * lines of "USER FROM PARTY", each party without its closing brace, for which
 * Redis fills in the read mark; without those whose bit is set in gone
 */
void view_parties(buf_t *buf, const state_lease_t *lease, uint64_t gone);

/* text that differs whenever one of the two does: 0, or -1 */
int view_signature(char dst[VIEW_SIGNATURE + 1], const buf_t *lease,
    const buf_t *parties);

/*
 * view_thread(): a thread of the active lease as the inbox of that role has
 * it, up to the number of unread messages; the same bytes as thread_json() in
 * functions_view.lua.  view_thread_end() adds that number and the newest entry,
 * but no brace, as the total follows in events.
 */
void view_thread(buf_t *buf, const char *property, const state_t *state,
    body_role_e role);
void view_thread_end(buf_t *buf, int64_t unread, const char *last,
    size_t len);


#endif /* VIEW_H */
