
/*
 * nginx itself only warns, at its start, if the limit of descriptors is too low
 * for worker_connections, and accepts no client once it is reached.
 */


#include "ngx_leaseloft_capacity.h"

#include <sys/resource.h>


/* descriptors that are none of connections: logs, epoll, timers */
#define NGX_LEASELOFT_CAPACITY_OTHERS       16

/* connections that streams leave to other requests: 1/32, within these */
#define NGX_LEASELOFT_CAPACITY_RESERVE_MIN  4
#define NGX_LEASELOFT_CAPACITY_RESERVE_MAX  64


void
ngx_leaseloft_capacity(ngx_leaseloft_capacity_t *capacity)
{
    ngx_uint_t     used;
    struct rlimit  limit;

    capacity->connections = ngx_cycle->connection_n;
    used = ngx_cycle->connection_n - ngx_cycle->free_connection_n;

    capacity->files = getrlimit(RLIMIT_NOFILE, &limit) == -1
                      || limit.rlim_cur == RLIM_INFINITY
                      ? 0 : limit.rlim_cur;

    if (capacity->files
        && capacity->files < capacity->connections
                             + NGX_LEASELOFT_CAPACITY_OTHERS)
    {
        capacity->connections = capacity->files > NGX_LEASELOFT_CAPACITY_OTHERS
                                ? capacity->files
                                  - NGX_LEASELOFT_CAPACITY_OTHERS : 1;
    }

    capacity->free = capacity->connections > used
                     ? capacity->connections - used : 0;
    capacity->reserve = ngx_max(NGX_LEASELOFT_CAPACITY_RESERVE_MIN,
                                ngx_min(NGX_LEASELOFT_CAPACITY_RESERVE_MAX,
                                        capacity->connections / 32));
}


ngx_uint_t
ngx_leaseloft_capacity_reached(ngx_leaseloft_capacity_t *capacity)
{
    ngx_leaseloft_capacity(capacity);

    /* nginx closes idle connections that wait for a request when it needs to */

    return capacity->free + ngx_cycle->reusable_connections_n
           < capacity->reserve;
}
