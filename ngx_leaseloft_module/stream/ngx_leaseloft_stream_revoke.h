
/* Ends streams of users whose tokens were revoked. */


#ifndef NGX_LEASELOFT_STREAM_REVOKE_H
#define NGX_LEASELOFT_STREAM_REVOKE_H


#include "ngx_leaseloft_stream.h"


/*
 * To be called after a change of the revoked users: streams that were opened by
 * a token that is refused now end as expired.  data is a process.
 */
void ngx_leaseloft_stream_revoke(void *data);


#endif /* NGX_LEASELOFT_STREAM_REVOKE_H */
