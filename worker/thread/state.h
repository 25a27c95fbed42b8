
/*
 * The state of a property: the head of its thread, the active and the pending
 * lease, and the closed windows that a renewal would continue.
 *
 * The head is stored in fields of meta, which the functions in Redis compare;
 * the rest is stored as one text (state_encode(), state_decode()).
 */


#ifndef STATE_H
#define STATE_H


#include <stddef.h>
#include <stdint.h>

#include "common/id.h"
#include "body_lease.h"
#include "buf.h"
#include "chain.h"
#include "clock.h"


/* "MS-SEQ", the id of an entry of a stream in Redis */
#define STATE_REQUEST_MAX  48


/* a lease, shared by a reference count */

typedef struct {
    unsigned        refs;
    body_lease_t    body;          /* as last declared */
    char           *json;          /* body_lease_encode() of it */
    int64_t         starts_at;
    int64_t         ends_at;       /* effective: a past end becomes "now" */
    int64_t         declared_at;
    uint64_t       *from;          /* start of each party's window, in the
                                      order of body.parties; 0 while pending */
} state_lease_t;


typedef struct {
    char            user[LL_ID_MAX + 1];
    body_role_e     role;
    uint64_t        from;
} state_window_t;


typedef struct {
    uint64_t        seq;
    uint64_t        rev;
    uint64_t        ver;           /* as last received */
    int64_t         at;            /* of the newest entry */
    unsigned char   hash[CHAIN_HASH];
    state_lease_t  *active;
    state_lease_t  *pending;
    state_window_t *closed;        /* windows that the last "ended" closed, if
                                      no lease has opened since */
    size_t          nclosed;
    char            request[STATE_REQUEST_MAX];
                                   /* the newest declaration, by its id in the
                                      queue; empty for none */
} state_t;


/*
 * Creates a lease from a declaration, which is copied; all windows start at 0.
 * Returns NULL if memory is short.
 */
state_lease_t *state_lease_create(const body_lease_t *body);

/* Adds a reference; NULL is allowed.  Returns the lease. */
state_lease_t *state_lease_ref(state_lease_t *lease);

/* Removes a reference; NULL is allowed. */
void state_lease_free(state_lease_t *lease);

/* Returns the index of the user among the parties, or -1. */
int state_lease_party(const state_lease_t *lease, const char *user);


/* Initializes an empty thread without a lease.  Returns 0 or -1. */
int state_init(state_t *state, const char *property, size_t len);

/* Copies a state.  Returns 0, or -1 if memory is short; dst is invalid then. */
int state_copy(state_t *dst, const state_t *src);

/* Frees what the state owns, and clears it; it may be clear. */
void state_free(state_t *state);

/* Appends the text form of all but the head. */
void state_encode(buf_t *buf, const state_t *state);

/*
 * Parses the text form into a state without leases.  Returns 0, or -1 if it is
 * malformed or memory is short; the state is unchanged then.
 */
int state_decode(state_t *state, const char *s, size_t len);

/*
 * Returns when the next lease begins or ends, in UTC milliseconds, or
 * CLOCK_NEVER.
 */
int64_t state_due(const state_t *state);


#endif /* STATE_H */
