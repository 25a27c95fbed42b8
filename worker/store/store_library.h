
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

/* Adds the command that asks Redis for the library. */
void store_library_ask(args_t *args);

/*
 * Returns the revision of the library in the reply to that command, or 0 if it
 * is not loaded.
 */
long store_library_loaded(const redisReply *reply);


#endif /* STORE_LIBRARY_H */
