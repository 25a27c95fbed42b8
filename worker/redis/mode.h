
/*
 * Whether a server is one of a Redis Cluster.  There the names of some keys and
 * of all channels are others (common/keys.h), so those who take it for a single
 * server would not hear of those who do not.
 */


#ifndef MODE_H
#define MODE_H


#include "conn.h"


#define MODE_CLUSTER                                                         \
    "it is a server of a Redis Cluster: its URL begins with redis+cluster://"


/*
 * Asks the server, by HELLO.  Returns 1 if it is one of a cluster; 0 if not, or
 * if it does not tell.
 */
int mode_is_cluster(conn_t *conn);


#endif /* MODE_H */
