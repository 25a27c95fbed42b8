
/*
 * A client whose network is lost acknowledges nothing.  nginx does not notice
 * for about 15 minutes: pings fit into the socket buffer, and the kernel
 * retransmits them.  SO_KEEPALIVE does not help, since it probes only while no
 * data is unacknowledged.  TCP_USER_TIMEOUT would also close the connections of
 * slow readers: if the window is smaller than the pending segment, the kernel
 * counts that as no progress.
 *
 * Therefore the kernel is asked when it last received an acknowledgement.  A
 * live client acknowledges data, or at least the probes of its zero window.
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

    /* else the kernel would buffer megabytes for a client that does not read */

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
