
/*
 * Each process of nginx says in Redis what it is: the command line and the
 * workers look there.  It may add to a stream and nothing else, so that is
 * where it says it; who is silent for 30 seconds is gone.
 */


#ifndef NGX_LEASELOFT_PRESENCE_H
#define NGX_LEASELOFT_PRESENCE_H


#include "ngx_leaseloft_client.h"


/*
 * Begins to say so, once the client is ready and every 10 seconds; ends with
 * the process.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_presence_start(ngx_leaseloft_process_t *process,
    ngx_pool_t *pool);


#endif /* NGX_LEASELOFT_PRESENCE_H */
