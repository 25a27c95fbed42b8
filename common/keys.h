
/*
 * Names of keys and channels in Redis; docs/data.md says what they hold.
 *
 * Every function writes a terminated string of less than LL_KEY_MAX bytes and
 * returns its length.  Ids are valid (common/id.h) when they get here.
 */


#ifndef LL_KEYS_H
#define LL_KEYS_H


#include <stddef.h>
#include <stdint.h>


#define LL_KEY_MAX  (LL_KEY_ID_MAX + 48)
#define LL_KEY_ID_MAX  64

/* the library of Redis functions, and the prefix of each of them */
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

/* which of count queues a property's requests go to */
unsigned ll_keys_queue_of(const char *property, size_t len, unsigned count);


#endif /* LL_KEYS_H */
