
/* Nothing is kept here. */

#include <string.h>

#include "slot_map.h"


void
slot_map_ask(args_t *args)
{
    args_lit(args, "CLUSTER");
    args_lit(args, "SLOTS");
}


/* reads a row [first, last, [host, port, ...], replicas ...]: 0 or -1 */
static int
slot_map_row(ll_slots_t *slots, const redisReply *row, const char *asked)
{
    size_t             len;
    long long          first, last, port;
    const char        *host;
    const redisReply  *at, *name;

    at = conn_element(row, 2);
    name = conn_element(at, 0);

    if (conn_number(conn_element(row, 0), &first) == -1
        || conn_number(conn_element(row, 1), &last) == -1
        || conn_number(conn_element(at, 1), &port) == -1)
    {
        return -1;
    }

    /* no name means the address that was asked, "?" that Redis knows none */

    host = asked;
    len = strlen(asked);

    if (name->type == REDIS_REPLY_STRING && name->len > 0) {
        host = name->str;
        len = (size_t) name->len;
    }

    if (len == 1 && host[0] == '?') {
        return 0;
    }

    return ll_slots_add(slots, first, last, host, len, port);
}


int
slot_map_read(ll_slots_t *slots, const redisReply *reply, const char *asked)
{
    size_t  i;

    ll_slots_clear(slots);

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY) {
        return -1;
    }

    for (i = 0; i < reply->elements; i++) {
        if (slot_map_row(slots, reply->element[i], asked) == -1) {
            return -1;
        }
    }

    return 0;
}


int
slot_map_is_away(const redisReply *reply)
{
    int  i;

    static const char  *errors[] = {
        "MOVED ", "ASK ", "TRYAGAIN ", "CLUSTERDOWN ", NULL
    };

    if (reply == NULL || reply->type != REDIS_REPLY_ERROR) {
        return 0;
    }

    for (i = 0; errors[i] != NULL; i++) {
        if (strncmp(reply->str, errors[i], strlen(errors[i])) == 0) {
            return 1;
        }
    }

    return 0;
}
