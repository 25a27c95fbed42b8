
/* Calls of the functions of functions_segment.lua that seal. */

#include <string.h>

#include "fcall.h"
#include "store_seal.h"


int
store_seal_next(store_t *store, const char *property, unsigned keep,
    unsigned size)
{
    args_t  *args = &store->args;

    args_reset(args);
    store_set_property(store, property);
    fcall_property(args, "ll1_unsealed", property);
    args_number(args, keep);
    args_number(args, size);

    return store_send(store);
}


int
store_seal_next_read(const redisReply *reply, store_seal_t *seal)
{
    size_t             i;
    long long          first, n;
    const redisReply  *list, *hash;

    if (conn_result(reply) == CONN_OK && reply->type == REDIS_REPLY_NIL) {
        return 0;
    }

    hash = conn_element(reply, 4);
    list = conn_element(reply, 5);

    if (hash == NULL || hash->type != REDIS_REPLY_STRING || list == NULL
        || reply->element[0]->type != REDIS_REPLY_STRING
        || reply->element[1]->type != REDIS_REPLY_STRING
        || conn_number(reply->element[2], &first) == -1
        || conn_number(reply->element[3], &n) == -1
        || first < 1 || n < 1 || n > LL_SEGMENT_MAX)
    {
        return -1;
    }

    seal->sealed = reply->element[0]->str;
    seal->erasures = reply->element[1]->str;
    seal->first = (uint64_t) first;
    seal->n = (unsigned) n;
    seal->before = hash->len == CHAIN_HASH
                   ? (const unsigned char *) hash->str : NULL;

    for (i = 0; i < seal->n; i++) {
        if (entries_row(list, i, seal->first + i, &seal->entries[i]) == -1) {
            return -1;
        }
    }

    return 1;
}


int
store_seal(store_t *store, const char *property, const store_seal_t *seal,
    const buf_t *segment)
{
    int                    erased;
    args_t                *args = &store->args;
    unsigned               i;
    const unsigned char   *hash;

    erased = 0;

    for (i = 0; i < seal->n; i++) {
        erased |= seal->entries[i].kind == PACK_ERASED;
    }

    hash = seal->entries[seal->n - 1].hash;

    args_reset(args);
    store_set_property(store, property);
    fcall_property(args, "ll1_seal", property);
    args_adds(args, seal->sealed);
    args_adds(args, seal->erasures);
    args_number(args, (int64_t) seal->first);
    args_number(args, seal->n);
    args_add(args, hash ? (const char *) hash : "", hash ? CHAIN_HASH : 0);
    args_add(args, segment->data, segment->len);
    args_number(args, erased != 0);

    return store_send(store);
}
