
/*
 * Inbox threads that a batch changes.  There is one for each property and user,
 * the latest: earlier ones of the same batch are not written.
 */


#ifndef BADGE_H
#define BADGE_H


#include <stddef.h>

#include "property.h"
#include "store.h"


typedef enum {
    BADGE_NEW = 0,
    BADGE_SENT,
    BADGE_DONE                     /* written, or failed for good */
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
    size_t       made;             /* so many are allocated */
} badge_list_t;


/*
 * Adds or replaces the badge of that property and user as of ver.  The caller
 * sets unread and at, and appends to thread, which is empty.  The list owns the
 * badge.  NULL with *newer set: the badge in the list is as new; NULL without:
 * out of memory.
 */
badge_t *badge_add(badge_list_t *badges, property_t *property, const char *user,
    long long ver, int *newer);

/* fills in the argument of store_badge(), which points into the badge */
void badge_thread(const badge_t *badge, store_thread_t *thread);

/* empties the list, and keeps its memory */
void badge_list_reset(badge_list_t *badges);

/* frees the list and its badges */
void badge_list_free(badge_list_t *badges);


#endif /* BADGE_H */
