
#include <stdio.h>
#include <string.h>

#include "keys.h"


static const char  *ll_property_keys[LL_PROPERTY_KEYS] = {
    "thread", "meta", "reads", "snaps", "leases"
};

static const char  *ll_user_keys[LL_USER_KEYS] = {
    "inbox", "order"
};


static char *
ll_keys_add(char *p, const char *s, size_t len)
{
    memcpy(p, s, len);

    return p + len;
}


/* "ll:{KIND:ID}:SUFFIX"; without snprintf(), as a message needs ten of them */

static size_t
ll_keys_tagged(char *dst, const char *kind, const char *id, size_t len,
    const char *suffix)
{
    char  *p;

    p = ll_keys_add(dst, "ll:{", 4);
    p = ll_keys_add(p, kind, strlen(kind));
    *p++ = ':';
    p = ll_keys_add(p, id, len);
    p = ll_keys_add(p, "}:", 2);
    p = ll_keys_add(p, suffix, strlen(suffix));
    *p = '\0';

    return (size_t) (p - dst);
}


size_t
ll_keys_property(char *dst, ll_property_key_e key, const char *property,
    size_t len)
{
    return ll_keys_tagged(dst, "p", property, len, ll_property_keys[key]);
}


size_t
ll_keys_sent(char *dst, const char *property, size_t len, uint64_t bucket)
{
    char  suffix[32];

    (void) snprintf(suffix, sizeof(suffix), "sent:%llu",
                    (unsigned long long) bucket);

    return ll_keys_tagged(dst, "p", property, len, suffix);
}


size_t
ll_keys_user(char *dst, ll_user_key_e key, const char *user, size_t len)
{
    return ll_keys_tagged(dst, "u", user, len, ll_user_keys[key]);
}


size_t
ll_keys_queue(char *dst, unsigned k)
{
    return (size_t) snprintf(dst, LL_KEY_MAX, "ll:{q:%u}:requests", k);
}


size_t
ll_keys_dead(char *dst, unsigned k)
{
    return (size_t) snprintf(dst, LL_KEY_MAX, "ll:{q:%u}:dead", k);
}


size_t
ll_keys_due(char *dst)
{
    return (size_t) snprintf(dst, LL_KEY_MAX, "ll:{due}:due");
}


size_t
ll_keys_due_vers(char *dst)
{
    return (size_t) snprintf(dst, LL_KEY_MAX, "ll:{due}:vers");
}


size_t
ll_keys_workers(char *dst)
{
    return (size_t) snprintf(dst, LL_KEY_MAX, "ll:{w}:workers");
}


size_t
ll_keys_nginx(char *dst)
{
    return (size_t) snprintf(dst, LL_KEY_MAX, "ll:{w}:nginx");
}


size_t
ll_keys_property_channel(char *dst, const char *property, size_t len)
{
    return ll_keys_tagged(dst, "p", property, len, "ch");
}


size_t
ll_keys_user_channel(char *dst, const char *user, size_t len)
{
    return ll_keys_tagged(dst, "u", user, len, "ch");
}


size_t
ll_keys_reply_channel(char *dst, const char *nginx, size_t len)
{
    return ll_keys_tagged(dst, "r", nginx, len, "ch");
}


unsigned
ll_keys_queue_of(const char *property, size_t len, unsigned count)
{
    int       bit;
    size_t    i;
    uint32_t  crc;

    if (count <= 1) {
        return 0;
    }

    crc = 0xffffffff;

    for (i = 0; i < len; i++) {
        crc ^= (unsigned char) property[i];

        for (bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (0xedb88320 & (0u - (crc & 1)));
        }
    }

    return (crc ^ 0xffffffff) % count;
}
