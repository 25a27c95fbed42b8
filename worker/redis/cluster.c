
/*
 * The map has the nodes by index, which change when it is read; the connections
 * stay in their places and are found by address.  Addresses of the URL are only
 * asked for the map: the cluster may know its nodes by other names.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "cluster.h"
#include "notify.h"
#include "slot_map.h"


/* before a command is repeated, in ms */
#define CLUSTER_WAIT_MS   50

/* how long a node may take to send the map */
#define CLUSTER_ASK_MS    1000

/* redirections that are followed at once: more of them are a circle */
#define CLUSTER_HOPS      5


typedef struct {
    conn_t   *conn;                /* NULL: the place is free */
    char      host[LL_SLOTS_HOST + 1];
    unsigned  port;
} cluster_node_t;

struct cluster_s {
    server_t        server;
    char            name[128];
    ll_slots_t      slots;
    ll_slots_t      fresh;         /* while it is read */
    cluster_node_t  nodes[LL_SLOTS_NODES + 1];
    unsigned        known;         /* index of the address that knew last */
    int             stale;         /* 1: read the map before it is used */
    int             limit_ms;      /* 0: the defaults */
    char            error[256];
};


cluster_t *
cluster_create(const server_t *server, const char *name)
{
    cluster_t  *cluster;

    cluster = calloc(1, sizeof(cluster_t));
    if (cluster == NULL) {
        return NULL;
    }

    cluster->server = *server;
    (void) snprintf(cluster->name, sizeof(cluster->name), "%s", name);

    return cluster;
}


void
cluster_set_limit(cluster_t *cluster, int ms)
{
    cluster->limit_ms = ms;
}


static void
cluster_drop(cluster_node_t *node)
{
    conn_free(node->conn);
    node->conn = NULL;
}


void
cluster_free(cluster_t *cluster)
{
    unsigned  i;

    if (cluster == NULL) {
        return;
    }

    for (i = 0; i <= LL_SLOTS_NODES; i++) {
        cluster_drop(&cluster->nodes[i]);
    }

    free(cluster);
}


const ll_slots_t *
cluster_slots(const cluster_t *cluster)
{
    return &cluster->slots;
}


const char *
cluster_error(const cluster_t *cluster)
{
    return cluster->error;
}


/* the connection of a place, opened: NULL on errors */
static conn_t *
cluster_open(cluster_t *cluster, cluster_node_t *node)
{
    if (conn_alive(node->conn) || conn_open(node->conn) == 0) {
        return node->conn;
    }

    (void) snprintf(cluster->error, sizeof(cluster->error), "%.80s:%u: %.120s",
                    node->host, node->port, conn_error(node->conn));

    return NULL;
}


/* the connection to an address, opened if need be: NULL on errors */
static conn_t *
cluster_connect(cluster_t *cluster, const char *host, size_t len, unsigned port)
{
    unsigned         i;
    server_t         server;
    cluster_node_t  *node, *free;

    free = NULL;

    for (i = 0; i <= LL_SLOTS_NODES; i++) {
        node = &cluster->nodes[i];

        /* one of a former map is only replaced if there is no other place */

        if (node->port == 0) {
            free = free == NULL || (free->conn != NULL && node->conn == NULL)
                   ? node : free;

        } else if (node->port == port && strlen(node->host) == len
                   && memcmp(node->host, host, len) == 0)
        {
            return cluster_open(cluster, node);
        }
    }

    if (free == NULL) {

        (void) snprintf(cluster->error, sizeof(cluster->error),
                        "there are more than %d nodes", LL_SLOTS_NODES);
        return NULL;
    }

    conn_free(free->conn);
    memcpy(free->host, host, len);
    free->host[len] = '\0';
    free->port = port;

    server_at(&server, &cluster->server, free->host, port);
    free->conn = conn_create(&server, cluster->name);

    if (free->conn == NULL) {
        free->port = 0;
        (void) snprintf(cluster->error, sizeof(cluster->error), "no memory");
        return NULL;
    }

    conn_set_limit(free->conn, cluster->limit_ms);

    return cluster_open(cluster, free);
}


conn_t *
cluster_conn(cluster_t *cluster, unsigned node)
{
    const ll_slots_node_t  *at = &cluster->slots.nodes[node];

    return cluster_connect(cluster, at->host, strlen(at->host), at->port);
}


/* closes connections that the map has no node for */
static void
cluster_trim(cluster_t *cluster)
{
    unsigned          i, k;
    cluster_node_t   *node;
    ll_slots_node_t  *at;

    for (i = 0; i <= LL_SLOTS_NODES; i++) {
        node = &cluster->nodes[i];

        for (k = 0; node->conn != NULL && k < cluster->slots.nnodes; k++) {
            at = &cluster->slots.nodes[k];

            if (node->port == at->port && strcmp(node->host, at->host) == 0) {
                break;
            }
        }

        /* not freed, as the caller may still have it */

        if (node->conn != NULL && k == cluster->slots.nnodes) {
            conn_close(node->conn);
            node->port = 0;
        }
    }
}


/* reads the map over a connection, unless that is NULL: 0 or -1 */
static int
cluster_ask(cluster_t *cluster, conn_t *conn, const char *asked)
{
    int          rc;
    args_t       args = ARGS_INIT;
    redisReply  *reply;

    if (conn == NULL) {
        return -1;
    }

    slot_map_ask(&args);
    (void) conn_set_timeout(conn, CLUSTER_ASK_MS);
    reply = conn_call(conn, &args);
    (void) conn_set_timeout(conn, cluster->limit_ms ? cluster->limit_ms
                                                    : CONN_TIMEOUT_MS);
    args_free(&args);

    rc = slot_map_read(&cluster->fresh, reply, asked);

    if (rc == -1) {
        (void) snprintf(cluster->error, sizeof(cluster->error), "%.80s: %.120s",
                        asked, reply == NULL ? conn_error(conn)
                        : reply->type == REDIS_REPLY_ERROR
                        ? reply->str : "the map of slots is not valid");
    } else {
        cluster->slots = cluster->fresh;
        cluster->stale = 0;
    }

    freeReplyObject(reply);

    return rc;
}


int
cluster_refresh(cluster_t *cluster)
{
    int                         rc;
    unsigned                    i, k;
    cluster_node_t             *node;
    const ll_redis_url_t       *url = &cluster->server.url;
    const ll_redis_url_addr_t  *addr;
    char                        host[LL_SLOTS_HOST + 1];

    rc = -1;

    for (i = 0; i <= LL_SLOTS_NODES && rc == -1; i++) {
        node = &cluster->nodes[i];

        if (node->conn != NULL && conn_alive(node->conn)) {
            rc = cluster_ask(cluster, node->conn, node->host);
        }
    }

    for (i = 0; i < url->naddrs && rc == -1; i++) {
        k = (cluster->known + i) % url->naddrs;
        addr = &url->addrs[k];

        /* each may take seconds */

        notify_alive();

        (void) snprintf(host, sizeof(host), "%.*s", (int) addr->host.len,
                        addr->host.data);

        rc = cluster_ask(cluster, cluster_connect(cluster, host, strlen(host),
                                                  addr->port), host);
        cluster->known = rc == 0 ? k : cluster->known;
    }

    if (rc == 0) {
        cluster_trim(cluster);
    }

    return rc;
}


/* the connection to the node of a slot: NULL if there is none now */
static conn_t *
cluster_find(cluster_t *cluster, unsigned slot)
{
    int      node;
    conn_t  *conn;

    /* others know who has replaced a node that was lost, which may accept a
       connection and say nothing */

    if (cluster->stale) {
        (void) cluster_refresh(cluster);
    }

    node = ll_slots_node(&cluster->slots, slot);
    conn = node == -1 ? NULL : cluster_conn(cluster, (unsigned) node);

    if (conn != NULL || cluster_refresh(cluster) == -1) {
        return conn;
    }

    node = ll_slots_node(&cluster->slots, slot);

    if (node == -1) {
        (void) snprintf(cluster->error, sizeof(cluster->error),
                        "no node has slot %u; %u of %d slots have one", slot,
                        cluster->slots.covered, LL_SLOTS);
        return NULL;
    }

    return cluster_conn(cluster, (unsigned) node);
}


conn_t *
cluster_conn_at(cluster_t *cluster, const char *host, unsigned port)
{
    return cluster_connect(cluster, host, strlen(host), port);
}


conn_t *
cluster_conn_of(cluster_t *cluster, const char *key, size_t len)
{
    return cluster_find(cluster, ll_slots_of(key, len));
}


/* the connection that an error redirects to, after ASKING: NULL if none does */
static conn_t *
cluster_redirect(cluster_t *cluster, conn_t *conn, const redisReply *reply)
{
    int                   i;
    size_t                len;
    args_t                args = ARGS_INIT;
    const char           *host;
    ll_slots_redirect_t   to;

    if (reply->type != REDIS_REPLY_ERROR
        || ll_slots_redirect(&to, reply->str, (size_t) reply->len) == -1)
    {
        return NULL;
    }

    host = to.host;
    len = to.host_len;

    for (i = 0; len == 0 && i <= LL_SLOTS_NODES; i++) {
        if (cluster->nodes[i].conn == conn) {
            host = cluster->nodes[i].host;
            len = strlen(host);
        }
    }

    if (!to.ask) {
        (void) ll_slots_add(&cluster->slots, to.slot, to.slot, host, len,
                            to.port);
    }

    conn = cluster_connect(cluster, host, len, to.port);

    if (conn != NULL && to.ask) {
        args_lit(&args, "ASKING");
        (void) conn_send_quiet(conn, &args);
        args_free(&args);
    }

    return conn;
}


/* 1 if the command was not run, and may be soon */
static int
cluster_is_retry(const redisReply *reply)
{
    int  i;

    static const char  *errors[] = { "LOADING ", "MASTERDOWN ", NULL };

    if (reply->type != REDIS_REPLY_ERROR) {
        return 0;
    }

    for (i = 0; errors[i] != NULL; i++) {
        if (strncmp(reply->str, errors[i], strlen(errors[i])) == 0) {
            return 1;
        }
    }

    return slot_map_is_away(reply);
}


/* sends the command, and after a redirection again: the last reply, or NULL */
static redisReply *
cluster_try(cluster_t *cluster, conn_t *conn, args_t *args)
{
    int          hops;
    conn_t      *next;
    redisReply  *reply;

    for (hops = 0; ; hops++) {
        reply = conn_call(conn, args);

        if (reply == NULL) {
            (void) snprintf(cluster->error, sizeof(cluster->error), "%s",
                            conn_error(conn));
            cluster->stale = 1;
            return NULL;
        }

        next = hops < CLUSTER_HOPS ? cluster_redirect(cluster, conn, reply)
                                   : NULL;
        if (next == NULL) {
            return reply;
        }

        freeReplyObject(reply);
        conn = next;
    }
}


redisReply *
cluster_call(cluster_t *cluster, const char *key, size_t len, args_t *args,
    int ms)
{
    conn_t      *conn;
    int64_t      end;
    redisReply  *reply;

    end = clock_monotonic() + ms;

    for ( ;; ) {
        reply = NULL;
        conn = cluster_find(cluster, ll_slots_of(key, len));

        if (conn != NULL) {
            reply = cluster_try(cluster, conn, args);

            if (reply == NULL || !cluster_is_retry(reply)) {
                return reply;
            }
        }

        if (clock_monotonic() >= end) {
            return reply;
        }

        freeReplyObject(reply);
        clock_sleep(CLUSTER_WAIT_MS);

        if (conn != NULL) {
            (void) cluster_refresh(cluster);
        }
    }
}
