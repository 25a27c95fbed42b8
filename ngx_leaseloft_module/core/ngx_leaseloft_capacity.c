
/*
 * nginx itself only warns, at its start, if the limit of descriptors is too low
 * for worker_connections, and accepts no client once it is reached.
 */


#include "ngx_leaseloft_capacity.h"

#include <sys/resource.h>


/* descriptors that are none of connections: logs, epoll, timers */
#define NGX_LEASELOFT_CAPACITY_OTHERS  16


void
ngx_leaseloft_capacity(ngx_leaseloft_capacity_t *capacity)
{
    ngx_uint_t     used;
    struct rlimit  limit;

    capacity->connections = ngx_cycle->connection_n;
    used = ngx_cycle->connection_n - ngx_cycle->free_connection_n;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1
        || limit.rlim_cur == RLIM_INFINITY)
    {
        capacity->files = 0;
        capacity->free = ngx_cycle->free_connection_n;
        return;
    }

    capacity->files = limit.rlim_cur;

    if (capacity->files < capacity->connections + NGX_LEASELOFT_CAPACITY_OTHERS)
    {
        capacity->connections = capacity->files > NGX_LEASELOFT_CAPACITY_OTHERS
                                ? capacity->files
                                  - NGX_LEASELOFT_CAPACITY_OTHERS : 1;
    }

    capacity->free = capacity->connections > used
                     ? capacity->connections - used : 0;
}
