
/*
 * The clients of Redis: which of them a key belongs to.
 */


#ifndef NGX_LEASELOFT_CLUSTER_H
#define NGX_LEASELOFT_CLUSTER_H


#include "ngx_leaseloft_client.h"


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

/* returns the first client */
ngx_leaseloft_client_t *ngx_leaseloft_cluster_first(
    ngx_leaseloft_cluster_t *cluster);

/* returns the client that a key or a channel belongs to */
ngx_leaseloft_client_t *ngx_leaseloft_cluster_client(
    ngx_leaseloft_cluster_t *cluster, ngx_str_t *key);

/* 1 while commands can be sent to the server that has key */
ngx_uint_t ngx_leaseloft_cluster_ready(ngx_leaseloft_cluster_t *cluster,
    ngx_str_t *key);

/*
 * Queues a command for the server that has key, which is one of its arguments;
 * its bytes are copied.  Returns as ngx_leaseloft_client_command().
 */
ngx_leaseloft_command_t *ngx_leaseloft_cluster_command(
    ngx_leaseloft_cluster_t *cluster, ngx_str_t *key, ngx_uint_t argc,
    ngx_str_t *argv, ngx_leaseloft_reply_pt handler, void *data);


#endif /* NGX_LEASELOFT_CLUSTER_H */
