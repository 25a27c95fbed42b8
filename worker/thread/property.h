
/*
 * Properties that this worker has dealt with: their keys, and their state as
 * last heard of.  A state may be out of date, which Redis finds out; it saves
 * asking for it.  At most `max` are kept, the least recently used go first.
 */


#ifndef PROPERTY_H
#define PROPERTY_H


#include <stddef.h>
#include <stdint.h>

#include "common/keys.h"
#include "buf.h"
#include "state.h"


typedef struct property_s   property_t;
typedef struct properties_s properties_t;


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

    int              known;        /* 0: state is empty */
    state_t          state;
    buf_t            thread[2];    /* view_thread() for each role */

    uint64_t         round;        /* of the dispatcher, of the next two */
    int              blocked;      /* nothing more for it this round */
    property_tail_t  tail;         /* with what was appended on trust */

    /* of the dispatcher's batch */
    unsigned         badges;       /* inbox threads to renew that are listed */
    int              refresh;      /* all of them are to be renewed */
    int              due;          /* its due time is to be set */
    int              broken;       /* that failed for one of them */
    unsigned         failures;     /* of what was due, in succession */

    property_t      *chain;        /* of the hash table */
    property_t      *newer;
    property_t      *older;
};


/* NULL: no memory */
properties_t *properties_create(size_t max);
void properties_free(properties_t *properties);

/*
 * the property of that id, which is valid; it lives until the next
 * properties_trim().  NULL: no memory.
 */
property_t *properties_get(properties_t *properties, const char *id,
    size_t len);

/* drops the least recently used ones past the bound */
void properties_trim(properties_t *properties);

/* forgets all states: who knows what happened meanwhile */
void properties_forget(properties_t *properties);

/*
 * The state as now heard of, whose contents are taken over: 0, or -1 if
 * memory was short, and it is forgotten instead.
 */
int property_learn(property_t *property, state_t *state);

void property_forget(property_t *property);


#endif /* PROPERTY_H */
