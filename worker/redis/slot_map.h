
/*
 * The slots of a Redis Cluster as its servers say: the reply of CLUSTER SLOTS,
 * and errors about a slot.
 *
 * Source: https://redis.io/docs/latest/commands/cluster-slots/
 */


#ifndef SLOT_MAP_H
#define SLOT_MAP_H


#include "common/slots.h"
#include "conn.h"


/* Adds CLUSTER SLOTS to args. */
void slot_map_ask(args_t *args);

/*
 * Reads the reply into the map; asked is the host that sent it, which a row
 * without a name means.  Returns 0, or -1 if it is malformed or missing; the
 * map is incomplete then.
 */
int slot_map_read(ll_slots_t *slots, const redisReply *reply,
    const char *asked);

/*
 * Returns 1 if a reply is an error that says that the server did not run the
 * command because it does not serve the slot, now or any more.
 */
int slot_map_is_away(const redisReply *reply);


#endif /* SLOT_MAP_H */
