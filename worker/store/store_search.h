
/*
 * What a search reads besides entries: the window of a user, and the order of
 * their inbox.
 */


#ifndef STORE_SEARCH_H
#define STORE_SEARCH_H


#include "common/frame.h"
#include "store.h"


/* what a user may see of a property; points into a reply */
typedef struct {
    uint64_t  first;
    uint64_t  last;                /* less than first if there is nothing */
    ll_str_t  label;               /* as JSON */
} store_window_t;


/* ll1_window */
int store_search_window(store_t *store, const ll_str_t *property,
    const char *user);

/*
 * Reads a reply of ll1_window.  Returns 1, 0 if the user has no window, or -1
 * if the reply is malformed or missing.
 */
int store_search_window_read(const redisReply *reply, store_window_t *window);

/*
 * ll1_inbox: up to limit threads after the cursor (at, property), which is
 * empty for the first ones.
 */
int store_search_inbox(store_t *store, const char *user, unsigned limit,
    const ll_str_t *at, const ll_str_t *property);

/*
 * Reads a reply of ll1_inbox.  Returns the list of property, at, property, at,
 * and sets *more to 1 if there are further threads, else 0; NULL if the reply
 * is malformed or missing.
 */
const redisReply *store_search_inbox_read(const redisReply *reply, int *more);


#endif /* STORE_SEARCH_H */
