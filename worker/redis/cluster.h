
/*
 * A Redis Cluster: a connection to each primary that is needed, and the map of
 * slots, which is read again when a command or a connection shows that it is
 * old.  docs/design.md has the rest.
 */


#ifndef CLUSTER_H
#define CLUSTER_H


#include "common/slots.h"
#include "conn.h"


/*
 * how long a command is repeated while its slot is moving, has no primary, or
 * cannot be reached; longer than a failover with cluster-node-timeout 5000
 */
#define CLUSTER_RETRY_MS  15000


typedef struct cluster_s  cluster_t;


/*
 * Creates a client, not yet connected, and copies the settings, whose URL is
 * that of a cluster.  The name is for CLIENT LIST.  Returns NULL if memory is
 * short.
 */
cluster_t *cluster_create(const server_t *server, const char *name);

/* Limits the time to connect, and that of each reply. */
void cluster_set_limit(cluster_t *cluster, int ms);

/* Closes all connections and frees the client; NULL is allowed. */
void cluster_free(cluster_t *cluster);

/*
 * Reads the map of slots: from a primary that is connected, else from the first
 * address of the URL that answers.  A map may lack slots.  Connections to nodes
 * that it does not have are closed.  Returns 0, or -1 with the reason in
 * cluster_error(), and then the map is unchanged.
 */
int cluster_refresh(cluster_t *cluster);

/* Returns the map. */
const ll_slots_t *cluster_slots(const cluster_t *cluster);

/*
 * Returns the connection to a node of the map, opened if it is not, or NULL
 * with the reason in cluster_error().  It is the caller's to use until the next
 * cluster_refresh() or cluster_call().
 */
conn_t *cluster_conn(cluster_t *cluster, unsigned node);

/* The same for the primary at an address, and for the one that has a key. */
conn_t *cluster_conn_at(cluster_t *cluster, const char *host, unsigned port);
conn_t *cluster_conn_of(cluster_t *cluster, const char *key, size_t len);

/*
 * Sends a command to the primary of a key and returns the reply, to be freed by
 * freeReplyObject().  Follows MOVED and ASK, and waits for up to ms
 * milliseconds while Redis cannot serve the slot; then that error is the reply.
 * Returns NULL with the reason in cluster_error() if no primary can be reached
 * for so long, or if the connection breaks before the reply: the command may
 * have been run.
 */
redisReply *cluster_call(cluster_t *cluster, const char *key, size_t len,
    args_t *args, int ms);

/* Returns the reason of the last failure, without passwords. */
const char *cluster_error(const cluster_t *cluster);


#endif /* CLUSTER_H */
