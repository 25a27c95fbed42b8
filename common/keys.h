
/*
 * Names of keys and channels in Redis; docs/data.md says what they hold.
 *
 * All of them begin with the installation's prefix, which a process sets once,
 * before it names anything: installations that differ by prefix share a Redis
 * without touching each other's keys and channels.
 *
 * Every function that takes dst writes a terminated string of less than
 * LL_KEY_MAX bytes and returns its length.  Ids are valid (common/id.h) when
 * they get here.
 */


#ifndef LL_KEYS_H
#define LL_KEYS_H


#include <stddef.h>
#include <stdint.h>


#define LL_KEY_MAX     (LL_PREFIX_MAX + LL_KEY_ID_MAX + 48)
#define LL_KEY_ID_MAX  64

#define LL_PREFIX      "ll"        /* unless told */
#define LL_PREFIX_MAX  16

/*
 * the library of Redis functions, and how the name of each begins: without the
 * prefix, as functions keep nothing and all installations share them
 */
#define LL_LIBRARY   "leaseloft_1"
#define LL_FUNCTION  "ll1_"

/* queues of requests: 1 to so many, as configured */
#define LL_QUEUES_MAX   64
#define LL_QUEUE_GROUP  "workers"


/* the order is that of a function's KEYS */
typedef enum {
    LL_KEY_THREAD = 0,
    LL_KEY_META,
    LL_KEY_READS,
    LL_KEY_SNAPS,
    LL_KEY_LEASES,
    LL_PROPERTY_KEYS
} ll_property_key_e;

typedef enum {
    LL_KEY_USER_INBOX = 0,
    LL_KEY_USER_ORDER,
    LL_USER_KEYS
} ll_user_key_e;


/*
 * Sets the prefix of this process: 0, or -1 if it is not 1 to LL_PREFIX_MAX of
 * a-z 0-9 _ -, the prefix being as before then.
 */
int ll_keys_set_prefix(const char *prefix, size_t len);
int ll_keys_prefix_valid(const char *prefix, size_t len);

size_t ll_keys_property(char *dst, ll_property_key_e key, const char *property,
    size_t len);
size_t ll_keys_sent(char *dst, const char *property, size_t len,
    uint64_t bucket);
size_t ll_keys_user(char *dst, ll_user_key_e key, const char *user, size_t len);

size_t ll_keys_queue(char *dst, unsigned k);
size_t ll_keys_dead(char *dst, unsigned k);
size_t ll_keys_due(char *dst);
size_t ll_keys_due_vers(char *dst);
size_t ll_keys_workers(char *dst);
size_t ll_keys_nginx(char *dst);

size_t ll_keys_property_channel(char *dst, const char *property, size_t len);
size_t ll_keys_user_channel(char *dst, const char *user, size_t len);
size_t ll_keys_reply_channel(char *dst, const char *nginx, size_t len);

/*
 * The kind ('p' property, 'u' user, 'r' replies) and the id of a name
 * PREFIX:{KIND:ID}:SUFFIX, whose len bytes need not be terminated: 0, or -1 if
 * it is none of this prefix.  The id points into name.
 */
int ll_keys_id(const char *name, size_t len, char *kind, const char **id,
    size_t *id_len);

/* the pattern (SCAN, PUBSUB) of all names of that kind and suffix */
size_t ll_keys_pattern(char *dst, char kind, const char *suffix);

/* which of count queues a property's requests go to */
unsigned ll_keys_queue_of(const char *property, size_t len, unsigned count);


#endif /* LL_KEYS_H */
