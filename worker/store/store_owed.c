
/* Calls of the functions for debts. */

#include <stdio.h>
#include <string.h>

#include "fcall.h"
#include "store_owed.h"


/* begins a function with the key of queue k; the caller adds arguments */
static args_t *
store_owed_begin(store_t *store, const char *function, unsigned k)
{
    char     key[LL_KEY_MAX];
    args_t  *args = &store->args;

    args_reset(args);
    fcall_begin(args, function, 1);
    args_copy(args, key, ll_keys_owed(key, k));
    store_set_key(store, key);

    return args;
}


int
store_owed_add(store_t *store, unsigned k, const buf_t *list)
{
    args_t      *args;
    const char  *p;

    args = store_owed_begin(store, "ll1_owe", k);

    for (p = list->data; p < list->data + list->len; p += strlen(p) + 1) {
        args_adds(args, p);
    }

    if (buf_failed(list)) {
        args->made.failed = 1;
    }

    return store_send(store);
}


int
store_owed_list(store_t *store, unsigned k, long long after, unsigned limit)
{
    int      n;
    char     key[LL_KEY_MAX], score[32];
    args_t  *args = &store->args;

    n = snprintf(score, sizeof(score), "(%lld", after);

    args_reset(args);
    args_lit(args, "ZRANGE");
    args_copy(args, key, ll_keys_owed(key, k));
    store_set_key(store, key);
    args_copy(args, score, (size_t) n);
    args_lit(args, "+inf");
    args_lit(args, "BYSCORE");
    args_lit(args, "LIMIT");
    args_lit(args, "0");
    args_number(args, limit);
    args_lit(args, "WITHSCORES");

    return store_send(store);
}


int
store_owed_settle(store_t *store, unsigned k, const char *debt, long long score)
{
    args_t  *args;

    args = store_owed_begin(store, "ll1_settle", k);
    args_adds(args, debt);
    args_number(args, score);

    return store_send(store);
}
