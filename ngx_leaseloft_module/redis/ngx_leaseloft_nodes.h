
/*
 * The primaries of a Redis Cluster, each with a client, and which of them has
 * which slots.
 */


#ifndef NGX_LEASELOFT_NODES_H
#define NGX_LEASELOFT_NODES_H


#include "ngx_leaseloft_client.h"
#include "ngx_leaseloft_topology.h"

#include "common/slots.h"


typedef struct ngx_leaseloft_nodes_s  ngx_leaseloft_nodes_t;


/*
 * Creates it in pool, and begins to ask the configured servers.  handlers, in
 * which it sets the callbacks for the cluster, are given to each client.  NULL:
 * no memory.
 */
ngx_leaseloft_nodes_t *ngx_leaseloft_nodes_create(
    ngx_leaseloft_process_t *process,
    ngx_leaseloft_client_handlers_t *handlers, ngx_pool_t *pool);
void ngx_leaseloft_nodes_free(ngx_leaseloft_nodes_t *nodes);

/* sets what is called for error replies, before the event loop starts */
void ngx_leaseloft_nodes_on_redirect(ngx_leaseloft_nodes_t *nodes,
    ngx_leaseloft_redirect_pt redirect, void *data);

/* returns the client of a slot; NULL: no primary is known to have it */
ngx_leaseloft_client_t *ngx_leaseloft_nodes_client(
    ngx_leaseloft_nodes_t *nodes, ngx_uint_t slot);

/*
 * Returns the client of an address to which ASK leads; if there is none, as the
 * first slots of a new primary are on their way, one is created.  NULL: no
 * memory, or too many.
 */
ngx_leaseloft_client_t *ngx_leaseloft_nodes_visit(ngx_leaseloft_nodes_t *nodes,
    ngx_leaseloft_server_t *server);

/* returns the client after one, for NULL the first one; NULL: no more */
ngx_leaseloft_client_t *ngx_leaseloft_nodes_next(ngx_leaseloft_nodes_t *nodes,
    ngx_leaseloft_client_t *client);

/* a server has said which one has a slot */
void ngx_leaseloft_nodes_moved(ngx_leaseloft_nodes_t *nodes,
    ll_slots_redirect_t *redirect);

/* asks servers soon which of them have which slots */
void ngx_leaseloft_nodes_ask(ngx_leaseloft_nodes_t *nodes);

/* returns the number of a client's slots, and its address */
ngx_uint_t ngx_leaseloft_nodes_slots(ngx_leaseloft_nodes_t *nodes,
    ngx_leaseloft_client_t *client);
ngx_leaseloft_server_t *ngx_leaseloft_nodes_address(
    ngx_leaseloft_nodes_t *nodes, ngx_leaseloft_client_t *client);

/* returns the home queue of a client, or -1: it has none */
ngx_int_t ngx_leaseloft_nodes_home(ngx_leaseloft_nodes_t *nodes,
    ngx_leaseloft_client_t *client);

/* returns the map of slots, which is empty before the first answer */
const ll_slots_t *ngx_leaseloft_nodes_map(ngx_leaseloft_nodes_t *nodes);

/* 1 once a server has answered, or none has */
ngx_uint_t ngx_leaseloft_nodes_known(ngx_leaseloft_nodes_t *nodes);

/* why no server has answered, or "" */
char *ngx_leaseloft_nodes_why(ngx_leaseloft_nodes_t *nodes);


#endif /* NGX_LEASELOFT_NODES_H */
