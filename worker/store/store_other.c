
/* The commands. */

#include "fcall.h"
#include "store_other.h"


/* a time long ago */
#define STORE_OTHER_NOW  "1"


/* begins a command with its key */
static args_t *
store_other_begin(store_t *store, const char *command,
    size_t (*name)(char *dst, unsigned k), unsigned k)
{
    char     key[LL_KEY_MAX];
    size_t   len;
    args_t  *args = &store->args;

    len = name(key, k);

    args_reset(args);
    args_adds(args, command);
    args_copy(args, key, len);
    store_set_key(store, key);

    return args;
}


int
store_other_due_list(store_t *store, unsigned k, unsigned limit)
{
    args_t  *args;

    args = store_other_begin(store, "ZRANGE", ll_keys_other_due, k);
    args_lit(args, "0");
    args_number(args, (int64_t) limit - 1);
    args_lit(args, "WITHSCORES");

    return store_send(store);
}


int
store_other_due_vers(store_t *store, unsigned k, const redisReply *list)
{
    size_t   i;
    args_t  *args;

    args = store_other_begin(store, "HMGET", ll_keys_other_due_vers, k);

    for (i = 0; i + 1 < list->elements; i += 2) {
        args_add(args, list->element[i]->str, list->element[i]->len);
    }

    return store_send(store);
}


int
store_other_due_drop(store_t *store, unsigned k, const char *property,
    long long rev)
{
    char     key[LL_KEY_MAX];
    size_t   len;
    args_t  *args = &store->args;

    args_reset(args);
    fcall_begin(args, "ll1_due", 2);

    len = ll_keys_other_due(key, k);
    args_copy(args, key, len);
    store_set_key(store, key);
    len = ll_keys_other_due_vers(key, k);
    args_copy(args, key, len);

    args_adds(args, property);
    args_number(args, rev);
    args_lit(args, "");

    return store_send(store);
}


int
store_other_layout(store_t *store, unsigned k)
{
    (void) store_other_begin(store, "GET", ll_keys_other_layout, k);

    return store_send(store);
}


int
store_other_layout_drop(store_t *store, unsigned k)
{
    (void) store_other_begin(store, "DEL", ll_keys_other_layout, k);

    return store_send(store);
}


int
store_other_owed(store_t *store, const char *property)
{
    args_t  *args;

    args = store_other_begin(store, "ZADD", ll_keys_due, 0);
    args_lit(args, STORE_OTHER_NOW);
    args_adds(args, property);

    return store_send(store);
}
