
/*
 * The way of commands in a Redis Cluster, for a process that serves one primary
 * of it: to its own primary over its own connection, or to another one, which
 * is waited for only shortly, and not at all while it does not answer.
 *
 * Commands are sent first and their replies received afterwards, in this order
 * for each way.  After a failure of another primary all replies that are due
 * from it are missing.
 */


#ifndef ROUTE_H
#define ROUTE_H


#include "common/slots.h"
#include "conn.h"
#include "peers.h"


#define ROUTE_OWN   0              /* the way to the own primary */
#define ROUTE_NONE  (~0U)          /* the command was not sent */


typedef struct route_s  route_t;


/*
 * Creates a route.  cluster: settings of the cluster, which are copied; own:
 * the connection to the primary in the row self of peers; name: for CLIENT
 * LIST.  The others must outlive the route.  Returns NULL if memory is short.
 */
route_t *route_create(const server_t *cluster, conn_t *own, const peer_t *self,
    peers_t *peers, const char *name);

/* Closes the connections to others, and frees the route; NULL is allowed. */
void route_free(route_t *route);

/*
 * Reads the map of slots from the own primary.  Returns 0, or -1 if that fails;
 * the map stays as it was then.  No reply may be outstanding.
 */
int route_refresh(route_t *route);

/*
 * Return the home queue of the own primary, or -1, and all queues in its slots,
 * bit k for queue k, as of the last route_refresh().
 */
int route_home(const route_t *route);
uint64_t route_queues(const route_t *route);

/* Returns the number of primaries that have slots, as of then. */
unsigned route_primaries(const route_t *route);

/* Returns 1 if the own primary has a key, else 0. */
int route_is_own(const route_t *route, const char *key);

/* Returns 1 if the primary that has a key is expected to answer, else 0. */
int route_is_usable(route_t *route, const char *key);

/*
 * Queues a command for the primary that has a key; NULL: for the own one.  Sets
 * *way, which is ROUTE_NONE if another one has the key and cannot be reached.
 * Returns 0, or -1 if the own connection is broken.
 */
int route_send(route_t *route, const char *key, args_t *args, unsigned *way);

/* Sends what is queued for other primaries, so that all work meanwhile. */
void route_flush(route_t *route);

/*
 * Returns the next reply by this way, or NULL if there is none.  Corrects the
 * map by MOVED.
 */
redisReply *route_recv(route_t *route, unsigned way);

/* Forgets replies that are still to come, after the own connection broke. */
void route_reset(route_t *route);


#endif /* ROUTE_H */
