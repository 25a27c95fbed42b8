
/* The replies of ll1_count: a total, then senders with their numbers. */

#include <string.h>

#include "store_count.h"


uint64_t
store_count_step(uint64_t after, uint64_t last)
{
    return last - after < STORE_COUNT ? last : after + STORE_COUNT;
}


int
store_count(store_t *store, const property_t *property, uint64_t after,
    uint64_t to)
{
    args_t  *args;

    args = store_property(store, "ll1_count", property);
    args_number(args, (int64_t) after);
    args_number(args, (int64_t) to);

    return store_send(store);
}


int
store_count_read(const redisReply *reply, const char *user,
    long long *messages, long long *own)
{
    size_t             i;
    const redisReply  *sender;

    *own = 0;

    if (conn_number(conn_element(reply, 0), messages) == -1) {
        return -1;
    }

    for (i = 1; i + 1 < reply->elements; i += 2) {
        sender = reply->element[i];

        if (sender->type == REDIS_REPLY_STRING
            && strcmp(sender->str, user) == 0)
        {
            return conn_number(reply->element[i + 1], own);
        }
    }

    return 0;
}
