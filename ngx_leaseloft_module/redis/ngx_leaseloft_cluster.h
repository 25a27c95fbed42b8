
/*
 * The clients of Redis: one of a single server, or one for each primary of a
 * Redis Cluster.  Keys and channels belong to the client of their slot.
 */


#ifndef NGX_LEASELOFT_CLUSTER_H
#define NGX_LEASELOFT_CLUSTER_H


#include "ngx_leaseloft_client.h"

#include "common/slots.h"


/*
 * Creates the clients of a process in pool, which begin to connect.  NULL: no
 * memory.  They are closed by ngx_leaseloft_cluster_free().
 */
ngx_leaseloft_cluster_t *ngx_leaseloft_cluster_create(
    ngx_leaseloft_process_t *process, ngx_pool_t *pool);
void ngx_leaseloft_cluster_free(ngx_leaseloft_cluster_t *cluster);

/* register callbacks; all must be called before the event loop starts */
void ngx_leaseloft_cluster_on_events(ngx_leaseloft_cluster_t *cluster,
    const ngx_leaseloft_client_events_t *events, void *data);
void ngx_leaseloft_cluster_on_reply(ngx_leaseloft_cluster_t *cluster,
    ngx_leaseloft_client_reply_pt handler, void *data);
void ngx_leaseloft_cluster_on_service(ngx_leaseloft_cluster_t *cluster,
    ngx_leaseloft_client_service_pt handler, void *data);

/* returns the slot of a key or a channel; 0 for a single server */
ngx_uint_t ngx_leaseloft_cluster_slot(ngx_leaseloft_cluster_t *cluster,
    ngx_str_t *key);

/*
 * Returns the client that a slot belongs to.  NULL: no primary is known to have
 * it, and none is while ngx_leaseloft_cluster_starting() is 1.
 */
ngx_leaseloft_client_t *ngx_leaseloft_cluster_client(
    ngx_leaseloft_cluster_t *cluster, ngx_uint_t slot);
ngx_uint_t ngx_leaseloft_cluster_starting(ngx_leaseloft_cluster_t *cluster);

/* returns the client after one, for NULL the first one; NULL: no more */
ngx_leaseloft_client_t *ngx_leaseloft_cluster_next(
    ngx_leaseloft_cluster_t *cluster, ngx_leaseloft_client_t *client);

/* returns the address of a client; NULL if it is the only one */
ngx_leaseloft_server_t *ngx_leaseloft_cluster_server(
    ngx_leaseloft_cluster_t *cluster, ngx_leaseloft_client_t *client);

/*
 * Return how many slots clients have, and how many of them those that are up,
 * of LL_SLOTS.
 */
ngx_uint_t ngx_leaseloft_cluster_covered(ngx_leaseloft_cluster_t *cluster);
ngx_uint_t ngx_leaseloft_cluster_reachable(ngx_leaseloft_cluster_t *cluster);

/* returns the number of a client's slots */
ngx_uint_t ngx_leaseloft_cluster_slots(ngx_leaseloft_cluster_t *cluster,
    ngx_leaseloft_client_t *client);

/* why no server has said which ones there are, or "" */
char *ngx_leaseloft_cluster_why(ngx_leaseloft_cluster_t *cluster);

/* returns the queue for the requests of a property; -1: it is not known */
ngx_int_t ngx_leaseloft_cluster_queue(ngx_leaseloft_cluster_t *cluster,
    ngx_str_t *property);

/*
 * Returns the queue which the client's server keeps heartbeats beside; -1: it
 * has none
 */
ngx_int_t ngx_leaseloft_cluster_home(ngx_leaseloft_cluster_t *cluster,
    ngx_leaseloft_client_t *client);

/*
 * Returns the name of this process for replies to requests that are queued
 * under key; NULL: its server is not known.
 */
ngx_str_t *ngx_leaseloft_cluster_name(ngx_leaseloft_cluster_t *cluster,
    ngx_str_t *key);

/*
 * Queues a command for the server that has key, which is one of its arguments;
 * its bytes are copied.  Returns as ngx_leaseloft_client_command().
 */
ngx_leaseloft_command_t *ngx_leaseloft_cluster_command(
    ngx_leaseloft_cluster_t *cluster, ngx_str_t *key, ngx_uint_t argc,
    ngx_str_t *argv, ngx_leaseloft_reply_pt handler, void *data);


#endif /* NGX_LEASELOFT_CLUSTER_H */
