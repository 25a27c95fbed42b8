
/*
 * Commands that a primary of a Redis Cluster has not run, as their slot is
 * elsewhere, on its way, or not served at the moment, or as it is not
 * connected: they are sent again, for a second.
 */


#ifndef NGX_LEASELOFT_REDIRECT_H
#define NGX_LEASELOFT_REDIRECT_H


#include "ngx_leaseloft_nodes.h"


/* zeroed by its owner before ngx_leaseloft_redirect_init() */
typedef struct {
    ngx_leaseloft_nodes_t      *nodes;
    ngx_queue_t                 waiting;   /* ngx_leaseloft_command_t */
    ngx_uint_t                  nwaiting;
    ngx_event_t                 timer;
} ngx_leaseloft_redirect_t;


/* initializes it; it is called for the error replies of all nodes */
void ngx_leaseloft_redirect_init(ngx_leaseloft_redirect_t *redirect,
    ngx_leaseloft_nodes_t *nodes, ngx_log_t *log);

/* frees the commands that wait; their handlers are not called */
void ngx_leaseloft_redirect_free(ngx_leaseloft_redirect_t *redirect);

/*
 * Sends a command, which it takes over, to the primary of its slot.  If none is
 * known or connected, the command waits.  NGX_OK, or NGX_DECLINED: it was freed
 * as too many wait.
 */
ngx_int_t ngx_leaseloft_redirect_send(ngx_leaseloft_redirect_t *redirect,
    ngx_leaseloft_command_t *command);


#endif /* NGX_LEASELOFT_REDIRECT_H */
