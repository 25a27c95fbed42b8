
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
} ngx_leaseloft_capacity_t;


/*
 * Tells the connections that this process can have, which are fewer than
 * worker_connections if the limit of descriptors is lower.
 */
void ngx_leaseloft_capacity(ngx_leaseloft_capacity_t *capacity);


#endif /* NGX_LEASELOFT_CAPACITY_H */
