
/*
 * A property: its keys, its state as last received, and what the jobs of the
 * current batch need.
 */


#ifndef PROPERTY_H
#define PROPERTY_H


#include <stddef.h>
#include <stdint.h>

#include "common/keys.h"
#include "buf.h"
#include "state.h"


typedef struct property_s   property_t;


typedef struct {
    uint64_t        seq;
    int64_t         at;
    unsigned char   hash[CHAIN_HASH];
} property_tail_t;


struct property_s {
    char             id[LL_ID_MAX + 1];
    size_t           len;
    char             keys[LL_PROPERTY_KEYS][LL_KEY_MAX];
    char             channel[LL_KEY_MAX];

    int              known;        /* 0 if the state is not known */
    state_t          state;

    uint64_t         round;        /* the dispatch round of the next two */
    int              blocked;      /* no further job in this round */
    property_tail_t  tail;         /* with entries whose commit is pending */

    /* of the batch */
    unsigned         badges;       /* listed inbox threads to be updated */
    int              refresh;      /* all inbox threads are to be updated */
    int              due;          /* the due time is to be set */
    int              broken;       /* publishing has failed */
    unsigned         failures;     /* consecutive failures of due leases */

    property_t      *chain;        /* bucket of property_cache */
    property_t      *newer;
    property_t      *older;
};


/*
 * Creates a property with its keys and an unknown state.  The id must be
 * valid.  Returns NULL if memory is short.
 */
property_t *property_create(const char *id, size_t len);
void property_free(property_t *property);

/* Forgets the state; it is unknown then. */
void property_forget(property_t *property);

/* Replaces the state, and takes over the contents of the new one. */
void property_update(property_t *property, state_t *state);


#endif /* PROPERTY_H */
