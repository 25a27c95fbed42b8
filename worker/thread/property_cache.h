
/*
 * The properties that this worker has used most recently, with their states.
 * A state may be out of date, which Redis detects; the cache saves requesting
 * it.
 */


#ifndef PROPERTY_CACHE_H
#define PROPERTY_CACHE_H


#include "property.h"


typedef struct property_cache_s  property_cache_t;


/* Creates a cache of "max" properties.  Returns NULL if memory is short. */
property_cache_t *property_cache_create(size_t max);

/* Frees the cache and its properties; NULL is allowed. */
void property_cache_free(property_cache_t *properties);

/*
 * Returns the property of that id, which must be valid, and creates it if
 * needed.  It lives until the next property_cache_trim().  Returns NULL if
 * memory is short.
 */
property_t *property_cache_get(property_cache_t *properties, const char *id,
    size_t len);

/* Frees the least recently used properties beyond the maximum. */
void property_cache_trim(property_cache_t *properties);

/* Forgets all states, after a connection was lost. */
void property_cache_forget(property_cache_t *properties);


#endif /* PROPERTY_CACHE_H */
