
/*
 * Each process of nginx says in Redis what it is: the command line and the
 * workers look there.  It may add to a stream and nothing else, so that is
 * where it says it; who is silent for 30 seconds is gone.
 */


#ifndef NGX_LEASELOFT_PRESENCE_H
#define NGX_LEASELOFT_PRESENCE_H


#include "ngx_leaseloft_client.h"


/* how often it is to be said, in ms */
#define NGX_LEASELOFT_PRESENCE  10000

void ngx_leaseloft_presence_send(ngx_leaseloft_process_t *process,
    ngx_leaseloft_link_t *link);


#endif /* NGX_LEASELOFT_PRESENCE_H */
