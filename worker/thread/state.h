
/*
 * A property as the workers see it: the head of its thread, the active and
 * the pending lease, and whose windows a renewal would continue.
 *
 * The head lies in fields of meta that the functions in Redis compare; the
 * rest is written by the worker that changes it, as one text, and read by all
 * of them (state_encode, state_decode).
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


/* "MS-SEQ", as Redis names the entries of a stream */
#define STATE_REQUEST_MAX  48


/* a lease: never changed once made, shared by counting */

typedef struct {
    unsigned        refs;
    body_lease_t    body;          /* as last declared */
    char           *json;          /* the same, as body_lease_encode() has it */
    int64_t         starts_at;
    int64_t         ends_at;       /* in force: a past one became "now" */
    int64_t         declared_at;
    uint64_t       *from;          /* where each party's window starts, in the
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
    uint64_t        ver;           /* as last heard */
    int64_t         at;            /* of the newest entry */
    unsigned char   hash[CHAIN_HASH];
    state_lease_t  *active;
    state_lease_t  *pending;
    state_window_t *closed;        /* windows that the last `ended` closed, if
                                      no lease has opened since */
    size_t          nclosed;
    char            request[STATE_REQUEST_MAX];
                                   /* the newest declaration, by its place in
                                      the queue; empty for none */
} state_t;


/*
 * A lease of that declaration, which is copied; all windows start at 0.
 * NULL: no memory.
 */
state_lease_t *state_lease_create(const body_lease_t *body);

/* the same of what state_lease_t's json holds; NULL also if it holds none */
state_lease_t *state_lease_decode(const char *json, size_t len);

state_lease_t *state_lease_ref(state_lease_t *lease);

/* gives one reference back; NULL is fine */
void state_lease_free(state_lease_t *lease);

/* the index of that user among the parties, or -1 */
int state_lease_party(const state_lease_t *lease, const char *user);


/* as a property starts: an empty thread and no lease.  0, or -1 */
int state_init(state_t *state, const char *property, size_t len);

/* 0, or -1: no memory; dst is not to be freed then */
int state_copy(state_t *dst, const state_t *src);

/* empties it; zeroed memory is fine */
void state_free(state_t *state);

/* adds all but the head, as text */
void state_encode(buf_t *buf, const state_t *state);

/*
 * reads it back into a state that has none of it: 0, or -1 if it is malformed
 * or memory is short, the state being as before then
 */
int state_decode(state_t *state, const char *s, size_t len);

/*
 * when the next opening or closing is due, in UTC milliseconds, or
 * CLOCK_NEVER
 */
int64_t state_due(const state_t *state);


#endif /* STATE_H */
