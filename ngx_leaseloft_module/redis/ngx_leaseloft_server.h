
/*
 * Addresses of servers, as Redis and Sentinel send them.
 */


#ifndef NGX_LEASELOFT_SERVER_H
#define NGX_LEASELOFT_SERVER_H


#include "ngx_leaseloft.h"


/*
 * Sets server to a host name or an IP address of len bytes and a port.  NGX_OK,
 * or NGX_ERROR if they cannot be those of a server.
 */
ngx_int_t ngx_leaseloft_server_set(ngx_leaseloft_server_t *server,
    u_char *host, size_t len, ngx_int_t port);

/* 1 if a and b are the same host and port */
ngx_uint_t ngx_leaseloft_server_same(ngx_leaseloft_server_t *a,
    ngx_leaseloft_server_t *b);


#endif /* NGX_LEASELOFT_SERVER_H */
