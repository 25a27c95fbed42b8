
/* Names of keys and channels in Redis.  Prefix and mode are static. */

#include <stdio.h>
#include <string.h>

#include "keys.h"


/*
 * "PREFIX:{", the beginning of every name; static, as a process has one
 * prefix.
 */
static char    ll_keys_begin[LL_PREFIX_MAX + sizeof(":{")] = LL_PREFIX ":{";
static size_t  ll_keys_begin_len = sizeof(LL_PREFIX ":{") - 1;

static int          ll_keys_cluster;
static const char  *ll_keys_channel = "ch";


static const char  *ll_property_keys[LL_PROPERTY_KEYS] = {
    "thread", "meta", "reads", "snaps", "leases", "segments"
};

static const char  *ll_user_keys[LL_USER_KEYS] = {
    "inbox", "order"
};


int
ll_keys_prefix_valid(const char *prefix, size_t len)
{
    size_t  i;

    if (len == 0 || len > LL_PREFIX_MAX) {
        return 0;
    }

    for (i = 0; i < len; i++) {
        if (!((prefix[i] >= 'a' && prefix[i] <= 'z')
              || (prefix[i] >= '0' && prefix[i] <= '9')
              || prefix[i] == '_' || prefix[i] == '-'))
        {
            return 0;
        }
    }

    return 1;
}


int
ll_keys_set_prefix(const char *prefix, size_t len)
{
    if (!ll_keys_prefix_valid(prefix, len)) {
        return -1;
    }

    memcpy(ll_keys_begin, prefix, len);
    memcpy(ll_keys_begin + len, ":{", sizeof(":{"));
    ll_keys_begin_len = len + 2;

    return 0;
}


void
ll_keys_set_cluster(int cluster)
{
    /* the functions in Redis publish by SPUBLISH on channels of this name */

    ll_keys_cluster = cluster;
    ll_keys_channel = cluster ? "shard" : "ch";
}


const char *
ll_keys_publish(void)
{
    return ll_keys_cluster ? "SPUBLISH" : "PUBLISH";
}


static char *
ll_keys_add(char *p, const char *s, size_t len)
{
    memcpy(p, s, len);

    return p + len;
}


/* "PREFIX:{KIND:ID}:SUFFIX"; not by snprintf(): a message needs ten */
static size_t
ll_keys_tagged(char *dst, char kind, const char *id, size_t len,
    const char *suffix)
{
    char  *p;

    p = ll_keys_add(dst, ll_keys_begin, ll_keys_begin_len);
    *p++ = kind;
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
    return ll_keys_tagged(dst, 'p', property, len, ll_property_keys[key]);
}


size_t
ll_keys_sent(char *dst, const char *property, size_t len, uint64_t bucket)
{
    char  suffix[32];

    (void) snprintf(suffix, sizeof(suffix), "sent:%llu",
                    (unsigned long long) bucket);

    return ll_keys_tagged(dst, 'p', property, len, suffix);
}


size_t
ll_keys_copy(char *dst, const char *property, size_t len, uint64_t seq)
{
    char  suffix[32];

    (void) snprintf(suffix, sizeof(suffix), "copy:%llu",
                    (unsigned long long) seq);

    return ll_keys_tagged(dst, 'p', property, len, suffix);
}


size_t
ll_keys_purge(char *dst, const char *property, size_t len)
{
    return ll_keys_tagged(dst, 'p', property, len, "purge");
}


size_t
ll_keys_user(char *dst, ll_user_key_e key, const char *user, size_t len)
{
    return ll_keys_tagged(dst, 'u', user, len, ll_user_keys[key]);
}


size_t
ll_keys_queue(char *dst, unsigned k)
{
    return (size_t) snprintf(dst, LL_KEY_MAX, "%sq:%u}:requests", ll_keys_begin,
                             k);
}


size_t
ll_keys_dead(char *dst, unsigned k)
{
    return (size_t) snprintf(dst, LL_KEY_MAX, "%sq:%u}:dead", ll_keys_begin,
                             k);
}


/* "PREFIX:{TAG}:NAME", in a cluster with the tag of queue k */
static size_t
ll_keys_service(char *dst, int cluster, const char *tag, unsigned k,
    const char *name)
{
    if (cluster) {
        return (size_t) snprintf(dst, LL_KEY_MAX, "%sq:%u}:%s", ll_keys_begin,
                                 k, name);
    }

    return (size_t) snprintf(dst, LL_KEY_MAX, "%s%s}:%s", ll_keys_begin, tag,
                             name);
}


size_t
ll_keys_due(char *dst, unsigned k)
{
    return ll_keys_service(dst, ll_keys_cluster, "due", k, "due");
}


size_t
ll_keys_due_vers(char *dst, unsigned k)
{
    return ll_keys_service(dst, ll_keys_cluster, "due", k, "vers");
}


size_t
ll_keys_workers(char *dst, unsigned k)
{
    return ll_keys_service(dst, ll_keys_cluster, "w", k, "workers");
}


size_t
ll_keys_nginx(char *dst, unsigned k)
{
    return ll_keys_service(dst, ll_keys_cluster, "w", k, "nginx");
}


size_t
ll_keys_layout(char *dst, unsigned k)
{
    return ll_keys_service(dst, ll_keys_cluster, "w", k, "layout");
}


size_t
ll_keys_other_due(char *dst, unsigned k)
{
    return ll_keys_service(dst, !ll_keys_cluster, "due", k, "due");
}


size_t
ll_keys_other_due_vers(char *dst, unsigned k)
{
    return ll_keys_service(dst, !ll_keys_cluster, "due", k, "vers");
}


size_t
ll_keys_other_layout(char *dst, unsigned k)
{
    return ll_keys_service(dst, !ll_keys_cluster, "w", k, "layout");
}


size_t
ll_keys_owed(char *dst, unsigned k)
{
    return (size_t) snprintf(dst, LL_KEY_MAX, "%sq:%u}:owed", ll_keys_begin,
                             k);
}


size_t
ll_keys_search(char *dst)
{
    return (size_t) snprintf(dst, LL_KEY_MAX, "%ssearch}:requests",
                             ll_keys_begin);
}


size_t
ll_keys_revoked(char *dst)
{
    return (size_t) snprintf(dst, LL_KEY_MAX, "%sw}:revoked", ll_keys_begin);
}


size_t
ll_keys_service_channel(char *dst)
{
    return (size_t) snprintf(dst, LL_KEY_MAX, "%sw}:%s", ll_keys_begin,
                             ll_keys_channel);
}


size_t
ll_keys_property_channel(char *dst, const char *property, size_t len)
{
    return ll_keys_tagged(dst, 'p', property, len, ll_keys_channel);
}


size_t
ll_keys_user_channel(char *dst, const char *user, size_t len)
{
    return ll_keys_tagged(dst, 'u', user, len, ll_keys_channel);
}


size_t
ll_keys_reply_channel(char *dst, const char *nginx, size_t len)
{
    return ll_keys_tagged(dst, 'r', nginx, len, ll_keys_channel);
}


int
ll_keys_id(const char *name, size_t len, char *kind, const char **id,
    size_t *id_len)
{
    const char  *p, *end;

    if (len <= ll_keys_begin_len + 2
        || memcmp(name, ll_keys_begin, ll_keys_begin_len) != 0
        || name[ll_keys_begin_len + 1] != ':')
    {
        return -1;
    }

    p = name + ll_keys_begin_len + 2;
    end = memchr(p, '}', (size_t) (name + len - p));

    if (end == NULL) {
        return -1;
    }

    *kind = name[ll_keys_begin_len];
    *id = p;
    *id_len = (size_t) (end - p);

    return 0;
}


size_t
ll_keys_pattern(char *dst, char kind, const char *suffix)
{
    return ll_keys_tagged(dst, kind, "*", 1, suffix);
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
