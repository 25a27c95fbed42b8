
/*
 * A hash table of properties, with a list in the order of their last use.  It
 * owns the properties.
 */

#include <stdlib.h>
#include <string.h>

#include "property_cache.h"


#define PROPERTY_CACHE_BUCKETS  16384


struct property_cache_s {
    size_t       max;
    size_t       n;
    property_t  *newest;
    property_t  *oldest;
    property_t  *buckets[PROPERTY_CACHE_BUCKETS];
};


/* FNV-1a */
static unsigned
property_cache_bucket(const char *id, size_t len)
{
    size_t    i;
    uint32_t  hash;

    hash = 2166136261u;

    for (i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char) id[i]) * 16777619u;
    }

    return hash % PROPERTY_CACHE_BUCKETS;
}


property_cache_t *
property_cache_create(size_t max)
{
    property_cache_t  *properties;

    properties = calloc(1, sizeof(property_cache_t));
    if (properties != NULL) {
        properties->max = max;
    }

    return properties;
}


static void
property_cache_unlink(property_cache_t *properties, property_t *property)
{
    if (property->newer != NULL) {
        property->newer->older = property->older;
    } else {
        properties->newest = property->older;
    }

    if (property->older != NULL) {
        property->older->newer = property->newer;
    } else {
        properties->oldest = property->newer;
    }
}


static void
property_cache_link(property_cache_t *properties, property_t *property)
{
    property->newer = NULL;
    property->older = properties->newest;

    if (properties->newest != NULL) {
        properties->newest->newer = property;
    } else {
        properties->oldest = property;
    }

    properties->newest = property;
}


static void
property_cache_drop(property_cache_t *properties, property_t *property)
{
    unsigned      bucket;
    property_t  **p;

    bucket = property_cache_bucket(property->id, property->len);
    p = &properties->buckets[bucket];

    while (*p != property) {
        p = &(*p)->chain;
    }

    *p = property->chain;

    property_cache_unlink(properties, property);
    properties->n--;

    property_free(property);
}


void
property_cache_free(property_cache_t *properties)
{
    if (properties == NULL) {
        return;
    }

    while (properties->oldest != NULL) {
        property_cache_drop(properties, properties->oldest);
    }

    free(properties);
}


property_t *
property_cache_get(property_cache_t *properties, const char *id, size_t len)
{
    unsigned     bucket;
    property_t  *property;

    bucket = property_cache_bucket(id, len);

    for (property = properties->buckets[bucket];
         property != NULL;
         property = property->chain)
    {
        if (property->len == len && memcmp(property->id, id, len) == 0) {
            property_cache_unlink(properties, property);
            property_cache_link(properties, property);
            return property;
        }
    }

    property = property_create(id, len);
    if (property == NULL) {
        return NULL;
    }

    property->chain = properties->buckets[bucket];
    properties->buckets[bucket] = property;

    property_cache_link(properties, property);
    properties->n++;

    return property;
}


void
property_cache_trim(property_cache_t *properties)
{
    while (properties->n > properties->max) {
        property_cache_drop(properties, properties->oldest);
    }
}


void
property_cache_forget(property_cache_t *properties)
{
    property_t  *property;

    for (property = properties->newest;
         property != NULL;
         property = property->older)
    {
        property_forget(property);
    }
}
