
/*
 * Why Redis failed the last requests that were not completed, for their dead
 * letters.  Nothing is allocated; the oldest is forgotten first.
 */


#ifndef FAILURE_H
#define FAILURE_H


#include <stddef.h>

#include "state.h"


#define FAILURE_MAX   64           /* requests */
#define FAILURE_TEXT  160


typedef struct {
    char  id[STATE_REQUEST_MAX];   /* of the entry in its queue */
    char  why[FAILURE_TEXT];
} failure_t;

typedef struct {
    failure_t  list[FAILURE_MAX];
    size_t     next;               /* to be replaced */
} failures_t;


/* Notes why a request failed; what was noted of it before is replaced. */
void failure_note(failures_t *failures, const char *id, const char *why);

/* Returns why a request failed, valid until the next note, or NULL. */
const char *failure_find(const failures_t *failures, const char *id);


#endif /* FAILURE_H */
