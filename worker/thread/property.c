
/* A property owns its state. */

#include <stdlib.h>
#include <string.h>

#include "property.h"


property_t *
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


void
property_free(property_t *property)
{
    state_free(&property->state);
    free(property);
}


void
property_forget(property_t *property)
{
    state_free(&property->state);
    property->known = 0;
}


void
property_update(property_t *property, state_t *state)
{
    state_free(&property->state);
    property->state = *state;
    memset(state, 0, sizeof(state_t));

    property->known = 1;
}
