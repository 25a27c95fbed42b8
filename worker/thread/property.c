
#include <stdlib.h>
#include <string.h>

#include "property.h"
#include "view.h"


#define PROPERTY_BUCKETS  16384


struct properties_s {
    size_t       max;
    size_t       n;
    property_t  *newest;
    property_t  *oldest;
    property_t  *buckets[PROPERTY_BUCKETS];
};


/* FNV-1a */
static unsigned
property_bucket(const char *id, size_t len)
{
    size_t    i;
    uint32_t  hash;

    hash = 2166136261u;

    for (i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char) id[i]) * 16777619u;
    }

    return hash % PROPERTY_BUCKETS;
}


properties_t *
properties_create(size_t max)
{
    properties_t  *properties;

    properties = calloc(1, sizeof(properties_t));
    if (properties != NULL) {
        properties->max = max;
    }

    return properties;
}


static void
property_unlink(properties_t *properties, property_t *property)
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
property_link(properties_t *properties, property_t *property)
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
property_free(property_t *property)
{
    state_free(&property->state);
    buf_free(&property->thread[BODY_LANDLORD]);
    buf_free(&property->thread[BODY_TENANT]);
    free(property);
}


static void
property_drop(properties_t *properties, property_t *property)
{
    property_t  **p;

    p = &properties->buckets[property_bucket(property->id, property->len)];

    while (*p != property) {
        p = &(*p)->chain;
    }

    *p = property->chain;

    property_unlink(properties, property);
    properties->n--;

    property_free(property);
}


void
properties_free(properties_t *properties)
{
    if (properties == NULL) {
        return;
    }

    while (properties->oldest != NULL) {
        property_drop(properties, properties->oldest);
    }

    free(properties);
}


static property_t *
property_create(const char *id, size_t len)
{
    int          i;
    property_t  *property;

    property = calloc(1, sizeof(property_t));
    if (property == NULL) {
        return NULL;
    }

    memcpy(property->id, id, len);
    property->len = len;

    for (i = 0; i < LL_PROPERTY_KEYS; i++) {
        (void) ll_keys_property(property->keys[i], (ll_property_key_e) i, id,
                                len);
    }

    (void) ll_keys_property_channel(property->channel, id, len);

    return property;
}


property_t *
properties_get(properties_t *properties, const char *id, size_t len)
{
    unsigned     bucket;
    property_t  *property;

    bucket = property_bucket(id, len);

    for (property = properties->buckets[bucket];
         property != NULL;
         property = property->chain)
    {
        if (property->len == len && memcmp(property->id, id, len) == 0) {
            property_unlink(properties, property);
            property_link(properties, property);
            return property;
        }
    }

    property = property_create(id, len);
    if (property == NULL) {
        return NULL;
    }

    property->chain = properties->buckets[bucket];
    properties->buckets[bucket] = property;

    property_link(properties, property);
    properties->n++;

    return property;
}


void
properties_trim(properties_t *properties)
{
    while (properties->n > properties->max) {
        property_drop(properties, properties->oldest);
    }
}


void
property_forget(property_t *property)
{
    state_free(&property->state);
    property->known = 0;
}


void
properties_forget(properties_t *properties)
{
    property_t  *property;

    for (property = properties->newest;
         property != NULL;
         property = property->older)
    {
        property_forget(property);
    }
}


int
property_learn(property_t *property, state_t *state)
{
    int     role;
    buf_t  *buf;

    state_free(&property->state);
    property->state = *state;
    memset(state, 0, sizeof(state_t));

    property->known = 1;

    for (role = BODY_LANDLORD; role <= BODY_TENANT; role++) {
        buf = &property->thread[role];
        buf_reset(buf);

        if (property->state.active != NULL) {
            view_thread(buf, property->id, &property->state,
                        (body_role_e) role);
        }

        if (buf_failed(buf)) {
            property_forget(property);
            return -1;
        }
    }

    return 0;
}
