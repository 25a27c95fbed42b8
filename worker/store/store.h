
/*
 * Calls of the functions in Redis for properties, users and workers; each
 * function is described in worker/lua/functions.lua.
 *
 * Functions without another description of their result queue a command; its
 * reply is returned by store_recv(), in order.  They return 0, or -1 if the
 * command cannot be queued; the connection is broken then.
 *
 * In a cluster, the command goes to the primary that has its first key, and
 * store->way says how: store_recv_by() returns its reply.
 */


#ifndef STORE_H
#define STORE_H


#include <stddef.h>
#include <stdint.h>

#include "args.h"
#include "buf.h"
#include "cluster.h"
#include "conn.h"
#include "lease.h"
#include "property.h"
#include "route.h"


typedef struct {
    conn_t    *conn;
    route_t   *route;              /* in a cluster, else NULL */
    cluster_t *cluster;            /* of store_find(), else NULL */
    args_t     args;
    char       key[LL_KEY_MAX];    /* of the command; only with a route */
    unsigned   way;                /* of the last command: route.h */
} store_t;


/* a message to append */

typedef struct {
    const body_party_t     *from;
    const char             *client_id;
    int64_t                 now;       /* selects the bucket of sent ids */
    uint64_t                rev;       /* of the state used */
    const property_tail_t  *head;      /* before the message */
    const property_tail_t  *tail;      /* after it */
    const unsigned char    *salt;
    const buf_t            *entry;
    const buf_t            *last;      /* the entry, as in inboxes */
} store_append_t;


/* a thread of a user's inbox, as of ver */

typedef struct {
    const char  *property;
    const char  *user;
    long long    ver;
    long long    unread;
    int64_t      at;                   /* 0: not in the inbox */
    const char  *shown;                /* changes with all else that it shows */
} store_thread_t;


/*
 * Entries counted by one command.  It blocks Redis for about 0.1 ms, or for a
 * few ms if all entries have the maximum length.
 */
#define STORE_COUNT  100


/* messages of others, counted in several commands (store_count.h) */

typedef struct {
    int          started;
    uint64_t     after;                /* the entry before the first counted */
    uint64_t     seq;                  /* the last one */
    uint64_t     messages;
} store_counted_t;


/*
 * Initializes a store that uses the connection and, in a cluster, the route,
 * which the caller owns.
 */
void store_init(store_t *store, conn_t *conn, route_t *route);

/*
 * In a process that only reads a cluster, with store->cluster: sets the
 * connection to that of the primary which has a key.  Returns 0, or -1 if there
 * is none.  Does nothing without a cluster.
 */
int store_find(store_t *store, const char *key);

/* Frees what the store owns. */
void store_free(store_t *store);

/*
 * Returns the next reply, to be freed by freeReplyObject(), or NULL if the
 * connection is lost.
 */
redisReply *store_recv(store_t *store);

/*
 * The same for a command that went that way.  NULL: the connection is lost, or,
 * unless the way is ROUTE_OWN, the command has no reply.
 */
redisReply *store_recv_by(store_t *store, unsigned way);

/* Sends what is queued for other primaries, so that all work meanwhile. */
void store_flush(store_t *store);

/*
 * Returns 1 if a reply, which may be NULL, means that another primary does not
 * answer or refuses all commands, or that the own one does not serve the slot;
 * else 0, as always without a cluster.
 */
int store_is_away(const store_t *store, unsigned way, const redisReply *reply);


/*
 * ll1_state; also returns the declaration of that lease if it has ended; "" for
 * none.
 */
int store_state(store_t *store, const property_t *property,
    const char *lease);

/*
 * Reads the state from a reply of ll1_state, ll1_append or ll1_lease.  Returns
 * 0, or -1 if the reply is malformed or memory is short.
 */
int store_state_read(const redisReply *reply, const property_t *property,
    state_t *state);

/* ll1_append */
int store_append(store_t *store, const property_t *property,
    const store_append_t *append);

/*
 * ll1_append with a head that never matches: whether this id was sent, and the
 * state.
 */
int store_probe(store_t *store, const property_t *property, const char *user,
    const char *client_id, int64_t now);

/*
 * ll1_mark; counted has what Redis has requested to be counted first, or is not
 * started.
 */
int store_mark(store_t *store, const property_t *property, const char *user,
    const store_counted_t *counted, uint64_t upto, int64_t now);

/* ll1_badges of all members */
int store_badges(store_t *store, const property_t *property);

/* ll1_badge of n threads of one user */
int store_badge(store_t *store, const store_thread_t *threads, size_t n);

/*
 * ll1_due; due is CLOCK_NEVER for none.  ll_slots_due() has its list.  seen:
 * the due time there before the property was read, CLOCK_NEVER if it is not
 * known.
 */
int store_due(store_t *store, const char *property, uint64_t rev, int64_t due,
    int64_t seen);

/*
 * ll1_defer: what was due at "due" is retried at "retry_at".  Here and below, k
 * is the queue that the key is beside in a cluster.
 */
int store_defer(store_t *store, unsigned k, const char *property, int64_t due,
    int64_t retry_at);

/* The first "limit" properties of the due list, with their times. */
int store_due_list(store_t *store, unsigned k, unsigned limit);

/* Publishes concatenated verdicts to one nginx process. */
int store_verdicts(store_t *store, const char *nginx, size_t len,
    const buf_t *verdicts);

/* ll1_beat; an empty record removes the worker */
int store_beat(store_t *store, unsigned k, const char *worker,
    const buf_t *record);

/* a reply of ll1_beat */

typedef struct {
    int64_t      now;              /* Redis's time, in ms */
    const char  *refused;          /* commands that the worker's user may not
                                      run; "" for none.  In the reply */
    unsigned     queues;           /* the largest number of queues of an nginx;
                                      0 if there is none */
    unsigned     place;            /* of the worker, from 0, among so many */
    unsigned     workers;          /* workers that take requests; 0: unknown */
} store_beat_t;

/*
 * Reads a reply of ll1_beat.  Returns 0, or -1 if it is malformed or of a
 * library before revision 9.
 */
int store_beat_read(const redisReply *reply, store_beat_t *beat);

/*
 * ll1_sweep: removes consumers of queue k without pending requests that have
 * been idle for "idle" ms.
 */
int store_sweep(store_t *store, unsigned k, int64_t idle);


/* for other files of this folder only */

/*
 * Begins FCALL of a function with the keys of a property; the caller adds the
 * arguments, and calls store_send().  The store owns what is returned.
 */
args_t *store_property(store_t *store, const char *function,
    const property_t *property);

/* queues the command; in a cluster, for the primary that has store->key */
int store_send(store_t *store);

/* set store->key, in a cluster; that of a property */
void store_set_key(store_t *store, const char *key);
void store_set_property(store_t *store, const char *property);


#endif /* STORE_H */
