
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
    BADGE_FIRST,                   /* sent, the first of its command */
    BADGE_SENT,
    BADGE_DONE                     /* written, or failed for good */
} badge_state_e;


/* two numbers and a point */
#define BADGE_SHOWN  48


typedef struct {
    property_t     *property;
    char            user[LL_ID_MAX + 1];
    long long       ver;
    long long       unread;
    int64_t         at;
    char            shown[BADGE_SHOWN];
    badge_state_e   state;
    unsigned        way;           /* of the command, if it is the first */
} badge_t;


typedef struct {
    badge_t    **list;             /* the first n are in use */
    size_t       n;
    size_t       size;
    size_t       made;             /* so many are allocated */
} badge_list_t;


/*
 * Adds or replaces the badge of that property and user as of ver.  The caller
 * sets unread, at and shown.  The list owns the badge.  NULL with *newer set:
 * the badge in the list is as new; NULL without: out of memory.
 */
badge_t *badge_add(badge_list_t *badges, property_t *property, const char *user,
    long long ver, int *newer);

/*
 * The same from a reply of ll1_mark or ll1_badges, which has ver, the version,
 * elsewhere, and unread, at and shown as elements i to i + 2.  Returns 0, also
 * if the badge in the list is as new, or -1.
 */
int badge_add_reply(badge_list_t *badges, property_t *property,
    const char *user, long long ver, const redisReply *reply, size_t i);

/* brings the badges of each user together */
void badge_sort(badge_list_t *badges);

/* fills in an argument of store_badge(), which points into the badge */
void badge_thread(const badge_t *badge, store_thread_t *thread);

/* empties the list, and keeps its memory */
void badge_list_reset(badge_list_t *badges);

/* frees the list and its badges */
void badge_list_free(badge_list_t *badges);


#endif /* BADGE_H */
