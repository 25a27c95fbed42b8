
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


/* Appends {"id","state","starts_at","ends_at" without the closing brace. */
void view_lease(buf_t *buf, const state_lease_t *lease, const char *state,
    int64_t ends_at);

/* Appends {"id","starts_at","ends_at"} of the pending lease. */
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


#endif /* VIEW_H */
