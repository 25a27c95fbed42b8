
/* The library of functions in Redis. */


#ifndef STORE_LIBRARY_H
#define STORE_LIBRARY_H


#include "store.h"


/*
 * Loads the library that this worker was built with, unless Redis has a newer
 * revision.  Returns 0; or -1 with the error of Redis in why, or with an empty
 * why and the reason in conn_error().
 */
int store_library_load(store_t *store, char *why, size_t size);

/* Returns the revision of the library that this worker was built with. */
long store_library_revision(void);


#endif /* STORE_LIBRARY_H */
