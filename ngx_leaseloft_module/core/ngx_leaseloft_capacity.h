
/*
 * How many connections a process of nginx can have.
 */


#ifndef NGX_LEASELOFT_CAPACITY_H
#define NGX_LEASELOFT_CAPACITY_H


#include "ngx_leaseloft.h"


typedef struct {
    ngx_uint_t                  connections;
    ngx_uint_t                  free;          /* of these */
    ngx_uint_t                  files;         /* limit of descriptors; 0: none
                                                  is known */
    ngx_uint_t                  reserve;       /* not for streams */
} ngx_leaseloft_capacity_t;


/*
 * Tells the connections that this process can have, which are fewer than
 * worker_connections if the limit of descriptors is lower.
 */
void ngx_leaseloft_capacity(ngx_leaseloft_capacity_t *capacity);

/*
 * Tells the same, and returns 1 if only the reserve is left: no stream may be
 * opened, so that sends, polls and health go on.  A process without any free
 * connection closes each one that it accepts, also if others have free ones.
 */
ngx_uint_t ngx_leaseloft_capacity_reached(ngx_leaseloft_capacity_t *capacity);


#endif /* NGX_LEASELOFT_CAPACITY_H */
