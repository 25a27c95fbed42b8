
/* Calls of the functions that searches need. */

#include <string.h>

#include "common/keys.h"
#include "fcall.h"
#include "store_search.h"


/* indices in the replies */
enum {
    STORE_WINDOW_FIRST = 0,
    STORE_WINDOW_LAST,
    STORE_WINDOW_LABEL
};

enum {
    STORE_INBOX_MORE = 2,
    STORE_INBOX_THREADS
};


int
store_search_window(store_t *store, const ll_str_t *property, const char *user)
{
    char     key[LL_KEY_MAX];
    args_t  *args = &store->args;

    (void) ll_keys_property(key, LL_KEY_META, property->data, property->len);

    if (store_find(store, key) == -1) {
        return -1;
    }

    args_reset(args);
    fcall_begin_ro(args, "ll1_window", LL_PROPERTY_KEYS);
    fcall_property_keys(args, property->data, property->len);
    args_adds(args, user);

    return store_send(store);
}


int
store_search_window_read(const redisReply *reply, store_window_t *window)
{
    long long          first, last;
    const redisReply  *label;

    if (conn_result(reply) == CONN_OK && reply->type == REDIS_REPLY_NIL) {
        return 0;
    }

    label = conn_element(reply, STORE_WINDOW_LABEL);

    if (label == NULL || label->type != REDIS_REPLY_STRING
        || conn_number(conn_element(reply, STORE_WINDOW_FIRST), &first) != 0
        || conn_number(conn_element(reply, STORE_WINDOW_LAST), &last) != 0
        || first < 1 || last < 0)
    {
        return -1;
    }

    window->first = (uint64_t) first;
    window->last = (uint64_t) last;
    window->label.data = label->str;
    window->label.len = label->len;

    return 1;
}


int
store_search_inbox(store_t *store, const char *user, unsigned limit,
    const ll_str_t *at, const ll_str_t *property)
{
    char     key[LL_KEY_MAX];
    args_t  *args = &store->args;

    (void) ll_keys_user(key, LL_KEY_USER_INBOX, user, strlen(user));

    if (store_find(store, key) == -1) {
        return -1;
    }

    args_reset(args);
    fcall_begin_ro(args, "ll1_inbox", LL_USER_KEYS);
    fcall_user_keys(args, user, strlen(user));
    args_number(args, limit);
    args_add(args, at->len ? at->data : "", at->len);
    args_add(args, property->len ? property->data : "", property->len);

    return store_send(store);
}


const redisReply *
store_search_inbox_read(const redisReply *reply, int *more)
{
    size_t             i;
    long long          n;
    const redisReply  *list;

    list = conn_element(reply, STORE_INBOX_THREADS);

    if (list == NULL || list->type != REDIS_REPLY_ARRAY
        || conn_number(conn_element(reply, STORE_INBOX_MORE), &n) != 0)
    {
        return NULL;
    }

    for (i = 0; i < list->elements; i++) {
        if (list->element[i]->type != REDIS_REPLY_STRING) {
            return NULL;
        }
    }

    *more = n != 0 && list->elements > 1;

    return list;
}
