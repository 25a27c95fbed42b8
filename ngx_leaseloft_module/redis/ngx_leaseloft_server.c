
/* Addresses of servers; nothing is allocated. */


#include "ngx_leaseloft_server.h"


ngx_int_t
ngx_leaseloft_server_set(ngx_leaseloft_server_t *server, u_char *host,
    size_t len, ngx_int_t port)
{
    struct sockaddr_in   *sin;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  *sin6;
#endif

    ngx_memzero(server, sizeof(ngx_leaseloft_server_t));

    if (len == 0 || len >= sizeof(server->host)
        || ngx_strlchr(host, host + len, '\0') != NULL
        || port < 1 || port > 65535)
    {
        return NGX_ERROR;
    }

    ngx_memcpy(server->host, host, len);
    server->port = (in_port_t) port;

    sin = &server->sockaddr.sockaddr_in;
    sin->sin_addr.s_addr = ngx_inet_addr(host, len);

    if (sin->sin_addr.s_addr != INADDR_NONE) {
        sin->sin_family = AF_INET;
        server->socklen = sizeof(struct sockaddr_in);

    } else {
#if (NGX_HAVE_INET6)
        sin6 = &server->sockaddr.sockaddr_in6;
        ngx_memzero(sin6, sizeof(struct sockaddr_in6));

        if (ngx_inet6_addr(host, len, sin6->sin6_addr.s6_addr) == NGX_OK) {
            sin6->sin6_family = AF_INET6;
            server->socklen = sizeof(struct sockaddr_in6);
        }
#endif
    }

    if (server->socklen) {
        ngx_inet_set_port(&server->sockaddr.sockaddr, server->port);
    }

    return NGX_OK;
}


ngx_uint_t
ngx_leaseloft_server_same(ngx_leaseloft_server_t *a, ngx_leaseloft_server_t *b)
{
    return a->port == b->port && ngx_strcmp(a->host, b->host) == 0;
}
