
/*
 * Replies to CLUSTER SLOTS, and redirections.  The host of either may be empty:
 * it is then that of the server which sent it.
 *
 * Source: https://redis.io/docs/latest/commands/cluster-slots/
 */


#ifndef NGX_LEASELOFT_SLOTS_H
#define NGX_LEASELOFT_SLOTS_H


#include "ngx_leaseloft.h"

#include "common/slots.h"

#include <hiredis/hiredis.h>


/*
 * Sets map to what a reply of the server asked says.  A primary without a name
 * is at the host that was asked; one that is named "?" is left out, as nobody
 * knows where it is.  NGX_OK, or NGX_ERROR: the reply is malformed, or has no
 * slots or too many primaries, and the map is of no use.
 */
ngx_int_t ngx_leaseloft_slots_read(ll_slots_t *map, redisReply *reply,
    ngx_leaseloft_server_t *asked);

/*
 * Parses an error reply of the server from; what is found may point into it.
 * NGX_OK, or NGX_DECLINED: it is neither MOVED nor ASK, or malformed.
 */
ngx_int_t ngx_leaseloft_slots_redirect(ll_slots_redirect_t *to, char *text,
    size_t len, ngx_leaseloft_server_t *from);


#endif /* NGX_LEASELOFT_SLOTS_H */
