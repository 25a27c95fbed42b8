
/*
 * How much waits in Redis: the requests in each queue, dead letters and
 * searches; for metrics.
 */


#ifndef NGX_LEASELOFT_DEPTH_H
#define NGX_LEASELOFT_DEPTH_H


#include "ngx_leaseloft_client.h"


typedef enum {
    NGX_LEASELOFT_DEPTH_LENGTH = 0,     /* of a queue */
    NGX_LEASELOFT_DEPTH_OLDEST,         /* its oldest request: time in ms, or
                                           0 if there is none */
    NGX_LEASELOFT_DEPTH_DEAD,           /* dead letters of a queue */
    NGX_LEASELOFT_DEPTH_SEARCHES,       /* of all queues */
    NGX_LEASELOFT_DEPTH_WHATS
} ngx_leaseloft_depth_what_e;


typedef struct {
    ngx_leaseloft_depth_what_e  what;
    ngx_uint_t                  queue;
    ngx_leaseloft_command_t    *command;   /* NULL: none is outstanding */
    int64_t                     value;     /* -1: Redis did not tell */
} ngx_leaseloft_depth_item_t;


/*
 * Asks Redis, and sets items, an array of ngx_leaseloft_depth_item_t in the
 * pool, in the order of their enum.  Redis replies in order, so that they are
 * known once the reply to a later command arrives.  Whatever is outstanding at
 * the end of the request is cancelled.  Returns NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_depth_ask(ngx_leaseloft_ctx_t *ctx,
    ngx_array_t *items);


#endif /* NGX_LEASELOFT_DEPTH_H */
