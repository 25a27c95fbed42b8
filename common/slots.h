
/*
 * Slots of a Redis Cluster: which primary has a key, and which queue serves a
 * property.  Nothing is allocated, nothing is sent.
 *
 * Sources: https://redis.io/docs/latest/operate/oss_and_stack/reference/
 * cluster-spec/ for slots, MOVED and ASK; docs/design.md, "Redis Cluster", for
 * queues.
 */


#ifndef LL_SLOTS_H
#define LL_SLOTS_H


#include <stddef.h>
#include <stdint.h>


#define LL_SLOTS       16384
#define LL_SLOTS_NODES   128       /* primaries of a map at most */
#define LL_SLOTS_HOST    255


typedef struct {
    char      host[LL_SLOTS_HOST + 1];
    unsigned  port;
    unsigned  slots;               /* that it has; with 0 it may be replaced
                                      by another node */
} ll_slots_node_t;

typedef struct {
    unsigned         covered;      /* slots that any node has */
    unsigned         nnodes;
    ll_slots_node_t  nodes[LL_SLOTS_NODES];
    uint8_t          owner[LL_SLOTS];  /* 1 + index of the node, or 0 */
} ll_slots_t;

/* an error MOVED or ASK */

typedef struct {
    int          ask;              /* 1: for this command only */
    unsigned     slot;
    const char  *host;             /* in the text; empty: that of the sender */
    size_t       host_len;
    unsigned     port;
} ll_slots_redirect_t;


/* Returns the slot of a key or channel, by its hash tag. */
unsigned ll_slots_of(const char *key, size_t len);

/* Makes a map of no slots. */
void ll_slots_clear(ll_slots_t *map);

/*
 * The primary at host and port has the slots first to last; replaces what the
 * map says of them.  Called for each row of CLUSTER SLOTS, and with one slot
 * for MOVED.  Returns 0, or -1 if that is no range or no address, or if there
 * are too many nodes; the map is unchanged then.
 */
int ll_slots_add(ll_slots_t *map, long long first, long long last,
    const char *host, size_t len, long long port);

/* Returns the index of the node that has a slot, or -1. */
int ll_slots_node(const ll_slots_t *map, unsigned slot);

/*
 * Parses an error reply.  Returns 0, or -1 if it is neither MOVED nor ASK, or
 * malformed.
 */
int ll_slots_redirect(ll_slots_redirect_t *redirect, const char *text,
    size_t len);

/* Returns the slot of queue k, which must be less than LL_QUEUES_MAX. */
unsigned ll_slots_queue_slot(unsigned k);

/* Returns the home queue of a node, the lowest one in its slots, or -1. */
int ll_slots_home(const ll_slots_t *map, unsigned node);

/*
 * Returns the queue for the requests of a property: the home queue of the node
 * that has it, or, if that has none, of another one.  -1: the map does not say
 * where the property is.
 */
int ll_slots_queue(const ll_slots_t *map, const char *property, size_t len);

/* Returns which queue's list has the due time of a property. */
unsigned ll_slots_due(const char *property, size_t len);


#endif /* LL_SLOTS_H */
