
/*
 * A connection to another primary is opened when a command is to be sent there
 * and no reply is outstanding.  After a failure it is not used until that
 * primary has answered the process that serves it.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "common/keys.h"
#include "log.h"
#include "route.h"
#include "slot_map.h"


/* how long another primary may take to answer, once */
#define ROUTE_LIMIT_MS  500


typedef struct {
    conn_t    *conn;               /* NULL until a command is to be sent */
    char       host[LL_SLOTS_HOST + 1];
    unsigned   port;               /* 0: the place is free */
    unsigned   due;                /* replies */
    int64_t    failed_at;          /* clock_monotonic() */
} route_node_t;

struct route_s {
    server_t        cluster;
    conn_t         *own;
    const peer_t   *self;
    peers_t        *peers;
    const char     *name;
    ll_slots_t      slots;
    ll_slots_t      fresh;         /* while it is read */
    int             home;
    uint64_t        queues;
    route_node_t    nodes[LL_SLOTS_NODES];

    /* by the index of a node in the map, once they are found */
    route_node_t   *places[LL_SLOTS_NODES];
    const peer_t   *rows[LL_SLOTS_NODES];
};


route_t *
route_create(const server_t *cluster, conn_t *own, const peer_t *self,
    peers_t *peers, const char *name)
{
    route_t  *route;

    route = calloc(1, sizeof(route_t));
    if (route == NULL) {
        return NULL;
    }

    route->cluster = *cluster;
    route->own = own;
    route->self = self;
    route->peers = peers;
    route->name = name;
    route->home = -1;

    return route;
}


static void
route_drop(route_node_t *node)
{
    conn_free(node->conn);
    memset(node, 0, sizeof(route_node_t));
}


void
route_free(route_t *route)
{
    unsigned  i;

    if (route == NULL) {
        return;
    }

    for (i = 0; i < LL_SLOTS_NODES; i++) {
        route_drop(&route->nodes[i]);
    }

    free(route);
}


/* 1 if a node of the map is the own primary */
static int
route_is_self(const route_t *route, int node)
{
    const ll_slots_node_t  *at;

    if (node == -1) {
        return 0;
    }

    at = &route->slots.nodes[node];

    return at->port == route->self->port
           && strcmp(at->host, route->self->host) == 0;
}


/* finds the queues in the slots of the own primary */
static void
route_find_queues(route_t *route)
{
    int       node;
    unsigned  k;

    route->home = -1;
    route->queues = 0;

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        node = ll_slots_node(&route->slots, ll_slots_queue_slot(k));

        if (route_is_self(route, node)) {
            route->home = route->home == -1 ? (int) k : route->home;
            route->queues |= UINT64_C(1) << k;
        }
    }
}


/* closes connections to what is no primary any more */
static void
route_trim(route_t *route)
{
    unsigned          i, k;
    route_node_t     *node;
    ll_slots_node_t  *at;

    for (i = 0; i < LL_SLOTS_NODES; i++) {
        node = &route->nodes[i];

        for (k = 0; node->port != 0 && k < route->slots.nnodes; k++) {
            at = &route->slots.nodes[k];

            if (node->port == at->port && strcmp(node->host, at->host) == 0) {
                break;
            }
        }

        if (k == route->slots.nnodes) {
            route_drop(node);
        }
    }
}


/* after a change of the map */
static void
route_forget(route_t *route)
{
    memset(route->places, 0, sizeof(route->places));
    memset(route->rows, 0, sizeof(route->rows));
}


int
route_refresh(route_t *route)
{
    int          rc;
    args_t       args = ARGS_INIT;
    redisReply  *reply;

    slot_map_ask(&args);
    reply = conn_call(route->own, &args);
    args_free(&args);

    rc = slot_map_read(&route->fresh, reply, route->self->host);
    freeReplyObject(reply);

    if (rc == 0) {
        route->slots = route->fresh;
        route_find_queues(route);
        route_trim(route);
        route_forget(route);
    }

    return rc;
}


int
route_home(const route_t *route)
{
    return route->home;
}


uint64_t
route_queues(const route_t *route)
{
    return route->queues;
}


unsigned
route_primaries(const route_t *route)
{
    unsigned  i, n;

    n = 0;

    for (i = 0; i < route->slots.nnodes; i++) {
        n += route->slots.nodes[i].slots != 0;
    }

    return n;
}


/* the node of the map that has a key, or -1 */
static int
route_owner(const route_t *route, const char *key)
{
    return ll_slots_node(&route->slots, ll_slots_of(key, strlen(key)));
}


int
route_is_own(const route_t *route, const char *key)
{
    return route_is_self(route, route_owner(route, key));
}


/* the place for the connection to a node of the map; NULL: all are in use */
static route_node_t *
route_place(route_t *route, const ll_slots_node_t *at)
{
    unsigned       i;
    route_node_t  *node, *place;

    place = NULL;

    for (i = 0; i < LL_SLOTS_NODES; i++) {
        node = &route->nodes[i];

        if (node->port == 0) {
            place = place ? place : node;

        } else if (node->port == at->port && strcmp(node->host, at->host) == 0)
        {
            return node;
        }
    }

    if (place != NULL) {
        (void) snprintf(place->host, sizeof(place->host), "%s", at->host);
        place->port = at->port;
    }

    return place;
}


/* the place for another primary if it is expected to answer, else NULL */
static route_node_t *
route_find(route_t *route, int owner)
{
    route_node_t           *node;
    const ll_slots_node_t  *at;

    if (owner == -1) {
        return NULL;
    }

    if (route->places[owner] == NULL) {
        at = &route->slots.nodes[owner];
        route->rows[owner] = peers_find(route->peers, at->host, at->port);
        route->places[owner] = route->rows[owner] != NULL
                               ? route_place(route, at) : NULL;
    }

    node = route->places[owner];

    return node != NULL && peers_alive(route->rows[owner], node->failed_at)
           ? node : NULL;
}


int
route_is_usable(route_t *route, const char *key)
{
    int  owner;

    owner = route_owner(route, key);

    return route_is_self(route, owner) || route_find(route, owner) != NULL;
}


/* opens the connection of a place if it is not: 0 or -1 */
static int
route_open(route_t *route, route_node_t *node)
{
    server_t  server;

    if (node->conn == NULL) {
        server_at(&server, &route->cluster, node->host, node->port);

        node->conn = conn_create(&server, route->name);
        if (node->conn == NULL) {
            return -1;
        }

        conn_set_limit(node->conn, ROUTE_LIMIT_MS);
    }

    if (conn_alive(node->conn)) {
        return 0;
    }

    /* replies to come are those of the former connection */

    return node->due == 0 ? conn_open(node->conn) : -1;
}


/* another primary has failed: it is left out until its own process hears it */
static void
route_fail(route_node_t *node)
{
    log_warn("%s:%u does not answer, what it has to get is kept: \"%s\"",
             node->host, node->port,
             node->conn != NULL ? conn_error(node->conn) : "no memory");

    node->failed_at = clock_monotonic();
}


int
route_send(route_t *route, const char *key, args_t *args, unsigned *way)
{
    int            owner;
    route_node_t  *node;

    owner = key != NULL ? route_owner(route, key) : -1;

    if (key == NULL || route_is_self(route, owner)) {
        *way = ROUTE_OWN;
        return conn_send(route->own, args);
    }

    *way = ROUTE_NONE;
    node = route_find(route, owner);

    if (node == NULL) {
        return 0;
    }

    if (route_open(route, node) == -1 || conn_send(node->conn, args) == -1) {
        route_fail(node);
        return 0;
    }

    node->due++;
    *way = 1 + (unsigned) (node - route->nodes);

    return 0;
}


void
route_flush(route_t *route)
{
    unsigned  i;

    for (i = 0; i < LL_SLOTS_NODES; i++) {
        if (route->nodes[i].due != 0) {
            (void) conn_flush(route->nodes[i].conn);
        }
    }
}


/* corrects the map if the reply of the server at a host is MOVED */
static void
route_note(route_t *route, const redisReply *reply, const char *from)
{
    ll_slots_redirect_t  to;

    if (reply->type == REDIS_REPLY_ERROR
        && ll_slots_redirect(&to, reply->str, (size_t) reply->len) == 0
        && !to.ask)
    {
        (void) ll_slots_add(&route->slots, to.slot, to.slot,
                            to.host_len ? to.host : from,
                            to.host_len ? to.host_len : strlen(from), to.port);
        route_forget(route);
    }
}


redisReply *
route_recv(route_t *route, unsigned way)
{
    redisReply    *reply;
    const char    *host;
    route_node_t  *node;

    if (way == ROUTE_NONE) {
        return NULL;
    }

    if (way == ROUTE_OWN) {
        host = route->self->host;
        reply = conn_recv(route->own);

    } else {
        node = &route->nodes[way - 1];
        node->due--;
        host = node->host;
        reply = conn_recv(node->conn);

        if (reply == NULL) {
            route_fail(node);
        }
    }

    if (reply != NULL) {
        route_note(route, reply, host);
    }

    return reply;
}


void
route_reset(route_t *route)
{
    unsigned       i;
    route_node_t  *node;

    for (i = 0; i < LL_SLOTS_NODES; i++) {
        node = &route->nodes[i];

        if (node->due != 0) {
            conn_close(node->conn);
            node->due = 0;
        }
    }
}
