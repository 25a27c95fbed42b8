
/* Slots of a Redis Cluster.  The names of queues lie in fixed slots. */

#include <string.h>

#include "keys.h"
#include "slots.h"


/* CRC-16/XMODEM, by half bytes */
static const uint16_t  ll_slots_crc[16] = {
    0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6, 0x70e7,
    0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad, 0xe1ce, 0xf1ef
};

/* of the tags "q:0" to "q:63" */
static const uint16_t  ll_slots_queues[LL_QUEUES_MAX] = {
    13109,  8980,  4983,   854, 13233,  9104,  5107,   978,
    12861,  8732, 13906,  9843,  5648,  1585, 14038,  9975,
     5780,  1717, 14170, 10107,  8961, 13088,   835,  4962,
     9093, 13220,   967,  5094,  8713, 12840,  4144,    17,
    12402,  8275,  4276,   149, 12534,  8407,  4408,   281,
     2471,  6534, 10725, 14788,  2339,  6402, 10593, 14656,
     2223,  6286, 14998, 10935,  6868,  2805, 14866, 10803,
     6736,  2673, 15262, 11199, 12229, 16356,  3975,  8102
};


static uint16_t
ll_slots_update(uint16_t crc, const char *s, size_t len)
{
    size_t         i;
    unsigned char  c;

    for (i = 0; i < len; i++) {
        c = (unsigned char) s[i];
        crc = (uint16_t) (crc << 4) ^ ll_slots_crc[(crc >> 12) ^ (c >> 4)];
        crc = (uint16_t) (crc << 4) ^ ll_slots_crc[(crc >> 12) ^ (c & 15)];
    }

    return crc;
}


unsigned
ll_slots_of(const char *key, size_t len)
{
    const char  *begin, *end;

    /* only what is between the first "{" and the next "}" counts, unless that
       is nothing */

    begin = memchr(key, '{', len);

    if (begin != NULL) {
        begin++;
        end = memchr(begin, '}', len - (size_t) (begin - key));

        if (end != NULL && end != begin) {
            key = begin;
            len = (size_t) (end - begin);
        }
    }

    return ll_slots_update(0, key, len) & (LL_SLOTS - 1);
}


/* the slot of the keys of a property */
static unsigned
ll_slots_property(const char *property, size_t len)
{
    return ll_slots_update(ll_slots_update(0, "p:", 2), property, len)
           & (LL_SLOTS - 1);
}


void
ll_slots_clear(ll_slots_t *map)
{
    map->covered = 0;
    map->nnodes = 0;
    memset(map->owner, 0, sizeof(map->owner));
}


/* the index of the node at an address, a new one if need be; -1 if full */
static int
ll_slots_intern(ll_slots_t *map, const char *host, size_t len, unsigned port)
{
    unsigned          i, free;
    ll_slots_node_t  *node;

    free = map->nnodes;

    for (i = 0; i < map->nnodes; i++) {
        node = &map->nodes[i];

        if (node->port == port && strlen(node->host) == len
            && memcmp(node->host, host, len) == 0)
        {
            return (int) i;
        }

        if (node->slots == 0 && free == map->nnodes) {
            free = i;
        }
    }

    if (free == LL_SLOTS_NODES) {
        return -1;
    }

    node = &map->nodes[free];
    memcpy(node->host, host, len);
    node->host[len] = '\0';
    node->port = port;
    node->slots = 0;

    if (free == map->nnodes) {
        map->nnodes++;
    }

    return (int) free;
}


int
ll_slots_add(ll_slots_t *map, long long first, long long last,
    const char *host, size_t len, long long port)
{
    int        node;
    uint8_t   *owner;
    long long  slot;

    if (first < 0 || last >= LL_SLOTS || first > last || port < 1
        || port > 65535 || len == 0 || len > LL_SLOTS_HOST
        || memchr(host, '\0', len) != NULL)
    {
        return -1;
    }

    node = ll_slots_intern(map, host, len, (unsigned) port);
    if (node == -1) {
        return -1;
    }

    for (slot = first; slot <= last; slot++) {
        owner = &map->owner[slot];

        if (*owner) {
            map->nodes[*owner - 1].slots--;
            map->covered--;
        }

        *owner = (uint8_t) (node + 1);
        map->nodes[node].slots++;
        map->covered++;
    }

    return 0;
}


int
ll_slots_node(const ll_slots_t *map, unsigned slot)
{
    return (int) map->owner[slot] - 1;
}


/* decimal text up to max, and what follows it; -1 if it is none */
static long
ll_slots_number(const char **p, const char *end, long max)
{
    long         n;
    const char  *s = *p;

    n = 0;

    while (s < end && *s >= '0' && *s <= '9') {
        n = n * 10 + (*s++ - '0');

        if (n > max) {
            return -1;
        }
    }

    if (s == *p) {
        return -1;
    }

    *p = s;

    return n;
}


int
ll_slots_redirect(ll_slots_redirect_t *redirect, const char *text, size_t len)
{
    long         slot, port;
    const char  *p, *colon, *end = text + len;

    if (len > 6 && memcmp(text, "MOVED ", 6) == 0) {
        redirect->ask = 0;
        p = text + 6;

    } else if (len > 4 && memcmp(text, "ASK ", 4) == 0) {
        redirect->ask = 1;
        p = text + 4;

    } else {
        return -1;
    }

    slot = ll_slots_number(&p, end, LL_SLOTS - 1);

    if (slot == -1 || p == end || *p++ != ' ') {
        return -1;
    }

    /* an IPv6 address has colons, without brackets */

    for (colon = end; colon > p && colon[-1] != ':'; colon--) { /* void */ }

    if (colon == p) {
        return -1;
    }

    redirect->host = p;
    redirect->host_len = (size_t) (colon - 1 - p);

    port = ll_slots_number(&colon, end, 65535);

    if (port < 1 || colon != end || redirect->host_len > LL_SLOTS_HOST) {
        return -1;
    }

    redirect->slot = (unsigned) slot;
    redirect->port = (unsigned) port;

    return 0;
}


unsigned
ll_slots_queue_slot(unsigned k)
{
    return ll_slots_queues[k];
}


int
ll_slots_home(const ll_slots_t *map, unsigned node)
{
    int  k;

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        if (ll_slots_node(map, ll_slots_queues[k]) == (int) node) {
            return k;
        }
    }

    return -1;
}


int
ll_slots_queue(const ll_slots_t *map, const char *property, size_t len)
{
    int       k, node;
    unsigned  i, slot;

    slot = ll_slots_property(property, len);
    node = ll_slots_node(map, slot);

    if (node == -1) {
        return -1;
    }

    k = ll_slots_home(map, (unsigned) node);

    for (i = 0; k == -1 && i < LL_QUEUES_MAX; i++) {
        node = ll_slots_node(map, ll_slots_queues[(slot + i) % LL_QUEUES_MAX]);

        if (node != -1) {
            k = ll_slots_home(map, (unsigned) node);
        }
    }

    return k;
}


unsigned
ll_slots_due(const char *property, size_t len)
{
    int       slot, distance, least;
    unsigned  k, nearest;

    slot = (int) ll_slots_property(property, len);
    least = LL_SLOTS;
    nearest = 0;

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        distance = slot - ll_slots_queues[k];
        distance = distance < 0 ? -distance : distance;

        if (distance < least) {
            least = distance;
            nearest = k;
        }
    }

    return nearest;
}
