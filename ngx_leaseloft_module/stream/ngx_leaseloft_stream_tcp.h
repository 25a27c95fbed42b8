
/*
 * Sets and reads TCP options of the connection of a stream.
 *
 * Errors are ignored, since unix sockets do not have these options.
 */


#ifndef NGX_LEASELOFT_STREAM_TCP_H
#define NGX_LEASELOFT_STREAM_TCP_H


#include "ngx_leaseloft.h"


/*
 * Sets up the connection of a stream: TCP_NODELAY unless tcp_nodelay is off, so
 * an event does not wait for the acknowledgement of the previous one, and
 * TCP_NOTSENT_LOWAT to bound what the kernel buffers for a client that does not
 * read.
 */
void ngx_leaseloft_stream_tcp_tune(ngx_http_request_t *r);

/*
 * Returns 1 if sent data is unacknowledged and no acknowledgement has been
 * received for timeout ms, else 0; returns 0 also without TCP_INFO (tcp(7)).
 */
ngx_uint_t ngx_leaseloft_stream_tcp_is_dead(ngx_connection_t *c,
    ngx_msec_t timeout);

/*
 * Shuts down the connection, for all HTTP/2 streams on it.  nginx then handles
 * it as closed by the client.
 */
void ngx_leaseloft_stream_tcp_abort(ngx_connection_t *c);


#endif /* NGX_LEASELOFT_STREAM_TCP_H */
