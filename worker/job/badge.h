
/*
 * Inbox threads that a batch of requests has changed: of each property and
 * user only the latest, as what it replaces was true only in between.
 */


#ifndef BADGE_H
#define BADGE_H


#include <stddef.h>

#include "property.h"
#include "store.h"


typedef enum {
    BADGE_NEW = 0,
    BADGE_SENT,
    BADGE_DONE                     /* Redis has it, or never will */
} badge_state_e;


typedef struct {
    property_t     *property;
    char            user[LL_ID_MAX + 1];
    long long       ver;
    long long       unread;
    int64_t         at;
    buf_t           thread;
    badge_state_e   state;
} badge_t;


typedef struct {
    badge_t    **list;             /* the first n are in use */
    size_t       n;
    size_t       size;
    size_t       made;
} badges_t;


/*
 * The badge of that property and user as of ver, its thread an empty buffer to
 * be filled in.  NULL with *newer set where what is there is as new; NULL
 * without: no memory.
 */
badge_t *badge_add(badges_t *badges, property_t *property, const char *user,
    long long ver, int *newer);

/* what store_badge() takes; it points into the badge */
void badge_thread(const badge_t *badge, store_thread_t *thread);

/* empties the list, the memory kept */
void badges_reset(badges_t *badges);

void badges_free(badges_t *badges);


#endif /* BADGE_H */
