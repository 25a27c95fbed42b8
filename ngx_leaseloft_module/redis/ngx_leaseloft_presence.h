
/*
 * Heartbeats of nginx's processes: entries of a stream in Redis, read by the
 * command line and the workers.  A process without one for 30 seconds counts as
 * stopped.  It is a stream since nginx has no right to other writes.
 */


#ifndef NGX_LEASELOFT_PRESENCE_H
#define NGX_LEASELOFT_PRESENCE_H


#include "ngx_leaseloft_cluster.h"


/*
 * Starts to send heartbeats, as soon as the client is ready and every 10
 * seconds, until the process exits.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_presence_start(ngx_leaseloft_process_t *process,
    ngx_pool_t *pool);


#endif /* NGX_LEASELOFT_PRESENCE_H */
