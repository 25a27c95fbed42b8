
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


typedef struct ngx_leaseloft_depth_s  ngx_leaseloft_depth_t;


typedef struct {
    ngx_leaseloft_depth_t      *depth;
    ngx_leaseloft_depth_what_e  what;
    ngx_uint_t                  queue;
    ngx_leaseloft_command_t    *command;   /* NULL: none is outstanding */
    int64_t                     value;     /* -1: Redis did not tell */
} ngx_leaseloft_depth_item_t;


struct ngx_leaseloft_depth_s {
    ngx_leaseloft_ctx_t        *ctx;
    ngx_array_t                 items;     /* in the order of their enum */
    ngx_uint_t                  outstanding;

    /* called with the context of the request */
    ngx_int_t                   (*next)(void *data);
};


/*
 * Asks Redis, sets depth->items, in the pool, and calls next(ctx) once Redis
 * has replied, or after a second.  next is a content handler; the content
 * handler returns the result of this function.
 */
ngx_int_t ngx_leaseloft_depth_ask(ngx_leaseloft_ctx_t *ctx,
    ngx_leaseloft_depth_t *depth, ngx_int_t (*next)(void *data));

/* returns bits of the queues that nginx adds requests to */
uint64_t ngx_leaseloft_depth_queues(ngx_leaseloft_process_t *process);


#endif /* NGX_LEASELOFT_DEPTH_H */
