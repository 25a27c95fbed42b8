
/*
 * What the kernel is told, and knows, about the client of a stream.
 *
 * Everything here fails harmlessly: a unix socket has no such options.
 */


#ifndef NGX_LEASELOFT_STREAM_TCP_H
#define NGX_LEASELOFT_STREAM_TCP_H


#include "ngx_leaseloft.h"


/*
 * Sets up the connection of a stream: an event is not held back until the
 * client has acknowledged the one before, and little is taken for a client
 * that does not read.
 */
void ngx_leaseloft_stream_tcp_tune(ngx_http_request_t *r);

/*
 * 1 if something is on its way to the client, and nothing at all has come from
 * its kernel for that many ms, else 0; 0 where the kernel does not tell.
 */
ngx_uint_t ngx_leaseloft_stream_tcp_is_dead(ngx_connection_t *c,
    ngx_msec_t timeout);

/*
 * Ends the connection for all who share it, as HTTP/2's streams do: nginx hears
 * of it as if the client had closed it.
 */
void ngx_leaseloft_stream_tcp_abort(ngx_connection_t *c);


#endif /* NGX_LEASELOFT_STREAM_TCP_H */
