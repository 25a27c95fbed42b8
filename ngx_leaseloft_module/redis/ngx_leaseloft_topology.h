
/*
 * Asks servers of a cluster which of them have which slots (CLUSTER SLOTS), and
 * keeps asking.
 *
 * One server is asked at a time, over one connection; if it does not answer
 * within a second, or its answer is of no use, the next one is asked.
 */


#ifndef NGX_LEASELOFT_TOPOLOGY_H
#define NGX_LEASELOFT_TOPOLOGY_H


#include "ngx_leaseloft_peer.h"


typedef struct {
    /* sets server i; NGX_DECLINED: there is none with this number */
    ngx_int_t                 (*server)(void *data, ngx_uint_t i,
                                        ngx_leaseloft_server_t *server);
    /* an answer of server: NGX_OK, or NGX_ERROR if it is of no use */
    ngx_int_t                 (*answer)(void *data, redisReply *reply,
                                        ngx_leaseloft_server_t *server);
    /* no server has answered */
    void                      (*failed)(void *data);
} ngx_leaseloft_topology_handlers_t;


/* zeroed by its owner before ngx_leaseloft_topology_init() */
typedef struct {
    ngx_leaseloft_peer_t                      peer;
    const ngx_leaseloft_topology_handlers_t  *handlers;
    void                                     *data;
    ngx_event_t                               timer;
    ngx_uint_t                                current;  /* server to ask */
    ngx_uint_t                                tried;    /* in this query */
    ngx_msec_t                                asked;    /* time of the last */
    ngx_uint_t                                left;     /* replies to come */
    unsigned                                  asking:1;
} ngx_leaseloft_topology_t;


/*
 * Initializes it and asks soon.  NGX_OK, or NGX_ERROR: no memory, which is
 * taken from pool.
 */
ngx_int_t ngx_leaseloft_topology_init(ngx_leaseloft_topology_t *topology,
    ngx_leaseloft_main_conf_t *mcf,
    const ngx_leaseloft_topology_handlers_t *handlers, void *data,
    ngx_pool_t *pool, ngx_log_t *log);

/* closes the connection; there are no more calls */
void ngx_leaseloft_topology_free(ngx_leaseloft_topology_t *topology);

/* asks soon, as the last answer is outdated */
void ngx_leaseloft_topology_ask(ngx_leaseloft_topology_t *topology);

/* why no server has answered, or "" */
char *ngx_leaseloft_topology_why(ngx_leaseloft_topology_t *topology);


#endif /* NGX_LEASELOFT_TOPOLOGY_H */
