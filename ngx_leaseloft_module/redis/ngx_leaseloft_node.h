
/*
 * The list of the primaries of a Redis Cluster that a process knows.
 */


#ifndef NGX_LEASELOFT_NODE_H
#define NGX_LEASELOFT_NODE_H


#include "ngx_leaseloft_client.h"


typedef struct {
    ngx_queue_t                 queue;
    ngx_pool_t                 *pool;
    ngx_leaseloft_server_t      server;
    ngx_leaseloft_client_t     *client;    /* in pool; or NULL */
    ngx_uint_t                  nslots;
    ngx_msec_t                  used;      /* while without slots: when it had
                                              some, or a command was for it */
} ngx_leaseloft_node_t;


typedef struct {
    ngx_queue_t                 nodes;
    ngx_uint_t                  n;
    ngx_log_t                  *log;
} ngx_leaseloft_node_list_t;


/* initializes an empty list */
void ngx_leaseloft_node_init(ngx_leaseloft_node_list_t *list, ngx_log_t *log);

/* frees all nodes; handlers of pending commands are not called */
void ngx_leaseloft_node_free(ngx_leaseloft_node_list_t *list);

/* returns the node after one, for NULL the first one; NULL: no more */
ngx_leaseloft_node_t *ngx_leaseloft_node_next(ngx_leaseloft_node_list_t *list,
    ngx_leaseloft_node_t *node);

/* returns the node of a client; NULL: there is none */
ngx_leaseloft_node_t *ngx_leaseloft_node_by_client(
    ngx_leaseloft_node_list_t *list, ngx_leaseloft_client_t *client);

/*
 * Returns the node of an address, and adds it if there is none.  NULL: no
 * memory, or too many.
 */
ngx_leaseloft_node_t *ngx_leaseloft_node_add(ngx_leaseloft_node_list_t *list,
    ngx_leaseloft_server_t *server);

/*
 * Frees nodes that have had neither slots nor commands for some seconds, in
 * which their last commands are answered.  Nothing may refer to their clients.
 */
void ngx_leaseloft_node_trim(ngx_leaseloft_node_list_t *list);


#endif /* NGX_LEASELOFT_NODE_H */
