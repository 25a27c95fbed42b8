
/*
 * Verifies and compresses what is sealed.  The segment is decoded once before
 * it is stored.
 */

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "seal.h"
#include "store_seal.h"


/* ms between two segments, at least */
#define SEAL_GAP  20

/* how much longer than a segment took other work has the worker */
#define SEAL_SHARE  10


typedef enum {
    SEAL_NOTHING = 0,
    SEAL_READY,
    SEAL_BROKEN
} seal_result_e;


void
seal_init(seal_t *seal, unsigned keep, unsigned size)
{
    memset(seal, 0, sizeof(seal_t));

    seal->keep = keep;
    seal->size = size;
}


void
seal_found(seal_t *seal, const char *property, uint64_t seq)
{
    unsigned  i;

    if (seal->keep == 0 || seq < seal->keep + seal->size
        || seal->n == SEAL_WAITING)
    {
        return;
    }

    for (i = 0; i < seal->n; i++) {
        if (strcmp(seal->waiting[(seal->first + i) % SEAL_WAITING], property)
            == 0)
        {
            return;
        }
    }

    (void) snprintf(seal->waiting[(seal->first + seal->n++) % SEAL_WAITING],
                    LL_ID_MAX + 1, "%s", property);
}


void
seal_grown(seal_t *seal, const char *property, uint64_t seq)
{
    if (seq % seal->size == 0) {
        seal_found(seal, property, seq);
    }
}


int64_t
seal_wait(const seal_t *seal)
{
    int64_t  ms;

    if (seal->n == 0) {
        return -1;
    }

    ms = seal->at - clock_monotonic();

    return ms > 0 ? ms : 0;
}


/*
 * 0 if each hash follows from the one before, else the number of the first that
 * does not.  The one before the first entry may be missing, or be that of a
 * damaged segment: it is left out then.
 */
static uint64_t
seal_verify(const char *property, store_seal_t *seal)
{
    unsigned                i;
    unsigned char           hash[CHAIN_HASH], zero[CHAIN_HASH];
    const unsigned char    *before;
    const thread_entry_t   *entry;

    before = seal->before;

    if (seal->first == 1) {
        if (chain_first(zero, property, strlen(property)) == -1) {
            return 1;
        }

        before = zero;
    }

    for (i = 0; i < seal->n; i++) {
        entry = &seal->entries[i];

        if (entry->hash && before
            && ((entry->digest
                 ? chain_join(hash, before, entry->digest)
                 : chain_next(hash, before, entry->salt, entry->entry,
                              entry->len)) == -1
                || memcmp(hash, entry->hash, CHAIN_HASH) != 0))
        {
            if (i != 0 || seal->first == 1) {
                return entry->seq;
            }

            seal->before = NULL;
        }

        before = entry->hash;
    }

    return 0;
}


/* makes the segment, and checks that it can be read: 0 or -1 */
static int
seal_pack(const char *property, const store_seal_t *seal, buf_t *buf)
{
    int                   rc;
    unpack_t             *unpack;
    unsigned char         hash[CHAIN_HASH];
    const unsigned char  *before;

    before = seal->before;

    if (seal->first == 1) {
        if (chain_first(hash, property, strlen(property)) == -1) {
            return -1;
        }

        before = hash;
    }

    if (pack_encode(buf, seal->entries, seal->n, before) == -1) {
        return -1;
    }

    unpack = unpack_create();

    rc = unpack != NULL ? unpack_open(unpack, buf->data, buf->len, seal->first,
                                      seal->n) : -1;

    unpack_free(unpack);

    return rc;
}


static seal_result_e
seal_prepare(const char *property, const redisReply *reply, store_seal_t *seal,
    buf_t *buf)
{
    int       rc;
    uint64_t  seq;

    rc = store_seal_next_read(reply, seal);

    if (rc == 0) {
        return SEAL_NOTHING;
    }

    if (rc == -1) {
        if (conn_result(reply) == CONN_FAILED || conn_result(reply) == CONN_OK)
        {
            log_error("reading entries of property \"%s\" to seal failed: "
                      "\"%s\"", property, reply->type == REDIS_REPLY_ERROR
                                          ? reply->str : "malformed reply");
        }

        return SEAL_BROKEN;
    }

    seq = seal_verify(property, seal);

    if (seq != 0) {
        log_error("entry %llu of property \"%s\" does not follow from the one "
                  "before, not sealed", (unsigned long long) seq, property);
        return SEAL_BROKEN;
    }

    if (seal_pack(property, seal, buf) == -1) {
        log_error("entries from %llu of property \"%s\" can't be sealed",
                  (unsigned long long) seal->first, property);
        return SEAL_BROKEN;
    }

    return SEAL_READY;
}


/* seals the next segment of a property: 1, 0: there is none, or -1 */
static int
seal_property(const char *property, const seal_t *seal, store_t *store)
{
    int             rc;
    buf_t           buf = BUF_INIT;
    redisReply     *reply, *stored;
    store_seal_t    next;

    reply = NULL;
    stored = NULL;
    rc = -1;

    if (store_seal_next(store, property, seal->keep, seal->size) == 0) {
        reply = store_recv_by(store, store->way);
    }

    switch (seal_prepare(property, reply, &next, &buf)) {

    case SEAL_NOTHING:
        rc = 0;
        break;

    case SEAL_READY:
        if (store_seal(store, property, &next, &buf) == 0) {
            stored = store_recv_by(store, store->way);
        }

        /* another worker may have been faster: there may be more all the same,
           as far as Redis takes it at all */

        rc = conn_result(stored) == CONN_OK ? 1 : -1;

        log_debug("entries from %llu of property \"%s\" sealed: %zu bytes",
                  (unsigned long long) next.first, property, buf.len);
        break;

    case SEAL_BROKEN:
        break;
    }

    freeReplyObject(stored);
    freeReplyObject(reply);
    buf_free(&buf);

    return rc;
}


unsigned
seal_run(seal_t *seal, store_t *store)
{
    int      rc;
    char     property[LL_ID_MAX + 1];
    int64_t  start, ms;

    if (seal_wait(seal) != 0) {
        return 0;
    }

    start = clock_microseconds();

    (void) snprintf(property, sizeof(property), "%s",
                    seal->waiting[seal->first]);

    seal->first = (seal->first + 1) % SEAL_WAITING;
    seal->n--;

    rc = seal_property(property, seal, store);

    if (rc == 1) {
        (void) snprintf(seal->waiting[(seal->first + seal->n++) % SEAL_WAITING],
                        LL_ID_MAX + 1, "%s", property);
    }

    ms = (clock_microseconds() - start) * SEAL_SHARE / 1000;
    seal->at = clock_monotonic() + (ms > SEAL_GAP ? ms : SEAL_GAP);

    return rc == 1;
}
