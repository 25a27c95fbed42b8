
/*
 * Names of keys and channels in Redis; docs/data.md describes their contents.
 *
 * All names begin with the prefix of the installation, which a process sets
 * once, before it uses any.  Installations with different prefixes can share a
 * Redis.
 *
 * Functions with dst write a terminated string of less than LL_KEY_MAX bytes
 * and return its length.  Ids must be valid (common/id.h).
 */


#ifndef LL_KEYS_H
#define LL_KEYS_H


#include <stddef.h>
#include <stdint.h>


#define LL_KEY_MAX     (LL_PREFIX_MAX + LL_KEY_ID_MAX + 48)
#define LL_KEY_ID_MAX  64

#define LL_PREFIX      "ll"        /* default */
#define LL_PREFIX_MAX  16

/*
 * the library of functions in Redis, and the beginning of their names; without
 * the prefix, as functions have no data and all installations share them
 */
#define LL_LIBRARY   "leaseloft_1"
#define LL_FUNCTION  "ll1_"

/*
 * the layout of the data under these names, which Redis holds under
 * ll_keys_layout(); it changes when older modules, workers or commands would
 * misread the data.  Each side refuses to work on another layout.
 */
#define LL_LAYOUT  "1"

/* maximum number of queues, and their consumer group */
#define LL_QUEUES_MAX   64
#define LL_QUEUE_GROUP  "workers"

/*
 * the consumer group of the lane of searches, and the largest number of
 * searches that wait in it
 */
#define LL_SEARCH_GROUP  "searchers"
#define LL_SEARCH_WAIT   256


/* in the order of a function's KEYS */
typedef enum {
    LL_KEY_THREAD = 0,
    LL_KEY_META,
    LL_KEY_READS,
    LL_KEY_SNAPS,
    LL_KEY_LEASES,
    LL_KEY_SEGMENTS,
    LL_PROPERTY_KEYS
} ll_property_key_e;

typedef enum {
    LL_KEY_USER_INBOX = 0,
    LL_KEY_USER_ORDER,
    LL_USER_KEYS
} ll_user_key_e;


/*
 * Sets the prefix of this process; called once, when it starts.  Returns 0, or
 * -1 if it is invalid: not 1 to LL_PREFIX_MAX of a-z 0-9 _ -.
 */
int ll_keys_set_prefix(const char *prefix, size_t len);

/* returns 1 if a prefix is valid, else 0 */
int ll_keys_prefix_valid(const char *prefix, size_t len);

/*
 * Says whether this process uses a Redis Cluster; called once, when it starts.
 * There the channels are sharded, and the service has keys beside each queue.
 */
void ll_keys_set_cluster(int cluster);

/* Returns the command that publishes on the channels below. */
const char *ll_keys_publish(void);

/*
 * The keys of a property, a bucket of its sent ids, a copy of its thread that
 * entry seq is being erased from, its members while it is deleted, and the keys
 * of a user.
 */
size_t ll_keys_property(char *dst, ll_property_key_e key, const char *property,
    size_t len);
size_t ll_keys_sent(char *dst, const char *property, size_t len,
    uint64_t bucket);
size_t ll_keys_copy(char *dst, const char *property, size_t len, uint64_t seq);
size_t ll_keys_purge(char *dst, const char *property, size_t len);
size_t ll_keys_user(char *dst, ll_user_key_e key, const char *user, size_t len);

/* Queue k, its dead letters, and users whose tokens were revoked. */
size_t ll_keys_queue(char *dst, unsigned k);
size_t ll_keys_dead(char *dst, unsigned k);
size_t ll_keys_revoked(char *dst);

/*
 * The due list, the versions of its times, the workers, the nginx processes,
 * and the layout of the data.  In a cluster, those beside queue k; else there
 * is one of each, and k is ignored.
 */
size_t ll_keys_due(char *dst, unsigned k);
size_t ll_keys_due_vers(char *dst, unsigned k);
size_t ll_keys_workers(char *dst, unsigned k);
size_t ll_keys_nginx(char *dst, unsigned k);
size_t ll_keys_layout(char *dst, unsigned k);

/*
 * The same, as the other kind of Redis names them: in a cluster those of a
 * single server, else those beside queue k of a cluster.
 */
size_t ll_keys_other_due(char *dst, unsigned k);
size_t ll_keys_other_due_vers(char *dst, unsigned k);
size_t ll_keys_other_layout(char *dst, unsigned k);

/* In a cluster: inboxes and due times that are owed, beside queue k. */
size_t ll_keys_owed(char *dst, unsigned k);

/* The lane of searches. */
size_t ll_keys_search(char *dst);

/* The channels of a property, a user, and the replies to an nginx process. */
size_t ll_keys_property_channel(char *dst, const char *property, size_t len);
size_t ll_keys_user_channel(char *dst, const char *user, size_t len);
size_t ll_keys_reply_channel(char *dst, const char *nginx, size_t len);

/* The channel of all nginx processes. */
size_t ll_keys_service_channel(char *dst);

/*
 * Parses a name PREFIX:{KIND:ID}:SUFFIX of len bytes: its kind ('p' property,
 * 'u' user, 'r' replies) and its id, which points into name.  Returns 0, or -1
 * if it is not such a name with this prefix.
 */
int ll_keys_id(const char *name, size_t len, char *kind, const char **id,
    size_t *id_len);

/* The pattern (SCAN, PUBSUB) of all names of that kind and suffix. */
size_t ll_keys_pattern(char *dst, char kind, const char *suffix);

/* Returns which of "count" queues has the requests of a property. */
unsigned ll_keys_queue_of(const char *property, size_t len, unsigned count);


#endif /* LL_KEYS_H */
