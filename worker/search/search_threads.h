
/*
 * Searches a thread, or all threads of a user, for one page of hits.  Only the
 * window of the user is read, as it is at that moment.
 */


#ifndef SEARCH_THREADS_H
#define SEARCH_THREADS_H


#include "search_scan.h"
#include "store.h"


typedef enum {
    SEARCH_THREADS_DONE = 0,
    SEARCH_THREADS_NONE,           /* the user may see nothing of the thread */
    SEARCH_THREADS_FAILED          /* Redis fails, or memory is short */
} search_threads_result_e;


/*
 * Appends the page to body, as clients get it.  property is the thread to
 * search, or empty for all threads of the user.
 */
search_threads_result_e search_threads_page(buf_t *body, store_t *store,
    const char *user, const ll_str_t *property, const ll_search_t *search);


#endif /* SEARCH_THREADS_H */
