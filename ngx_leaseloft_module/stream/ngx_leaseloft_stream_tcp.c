
/*
 * A client that vanished without a word, as one whose network is gone does,
 * acknowledges nothing.  To nginx that looks well for a quarter of an hour:
 * pings fit into the socket's buffer, and the kernel sends them again and
 * again.  SO_KEEPALIVE does not help, as it asks only while nothing waits.
 * TCP_USER_TIMEOUT would end it, but also a client that reads slowly: with a
 * small window what waits may never fit into it as a whole, and that counts as
 * if nothing were taken.
 *
 * So the kernel is asked when it received of the client last.  One that lives
 * acknowledges, or at least answers probes of its closed window.
 */


#include "ngx_leaseloft_stream_tcp.h"

#include <netinet/tcp.h>
#include <sys/ioctl.h>


#define NGX_LEASELOFT_STREAM_TCP_UNSENT  (128 * 1024)


void
ngx_leaseloft_stream_tcp_tune(ngx_http_request_t *r)
{
    ngx_connection_t          *c;
    ngx_http_core_loc_conf_t  *clcf;

    c = r->connection;
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (clcf->tcp_nodelay) {
        (void) ngx_tcp_nodelay(c);
    }

    /*
     * the kernel would take megabytes for a client that reads nothing, and
     * hide from us that it does not
     */

#if defined(TCP_NOTSENT_LOWAT)
    {
        int  unsent;

        unsent = NGX_LEASELOFT_STREAM_TCP_UNSENT;

        (void) setsockopt(c->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT,
                      (const void *) &unsent, sizeof(int));
    }
#endif
}


ngx_uint_t
ngx_leaseloft_stream_tcp_is_dead(ngx_connection_t *c, ngx_msec_t timeout)
{
#if (NGX_LINUX && NGX_HAVE_TCP_INFO)

    int              unacknowledged;
    socklen_t        len;
    struct tcp_info  info;

    if (ioctl(c->fd, TIOCOUTQ, &unacknowledged) == -1 || unacknowledged == 0) {
        return 0;
    }

    len = sizeof(struct tcp_info);

    if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1) {
        return 0;
    }

    return info.tcpi_last_ack_recv >= timeout;

#else

    return 0;

#endif
}


void
ngx_leaseloft_stream_tcp_abort(ngx_connection_t *c)
{
    (void) ngx_shutdown_socket(c->fd, SHUT_RDWR);
}
