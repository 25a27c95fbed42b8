
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"


#define NET_EVENTS  512
#define NET_BUFFER  65536


static struct sockaddr_in  net_peer;
static SSL_CTX            *net_tls;
static int                 net_epoll;
static int                 net_input;
static char                net_buffer[NET_BUFFER];


int
net_init(const char *host, unsigned port, int tls)
{
    net_peer.sin_family = AF_INET;
    net_peer.sin_port = htons(port);

    if (inet_pton(AF_INET, host, &net_peer.sin_addr) != 1) {
        errno = EINVAL;
        return -1;
    }

    net_epoll = epoll_create1(EPOLL_CLOEXEC);
    if (net_epoll == -1) {
        return -1;
    }

    if (!tls) {
        return 0;
    }

    net_tls = SSL_CTX_new(TLS_client_method());
    if (net_tls == NULL) {
        errno = ENOMEM;
        return -1;
    }

    SSL_CTX_set_min_proto_version(net_tls, TLS1_3_VERSION);
    SSL_CTX_set_mode(net_tls, SSL_MODE_RELEASE_BUFFERS
                              |SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                              |SSL_MODE_ENABLE_PARTIAL_WRITE);

    return 0;
}


static void
net_set_events(net_conn_t *conn, int op)
{
    struct epoll_event  ee;

    ee.events = EPOLLIN | (conn->writing ? EPOLLOUT : 0);
    ee.data.ptr = conn;

    epoll_ctl(net_epoll, op, conn->fd, &ee);
}


int
net_connect(net_conn_t *conn, unsigned source, net_handler_pt handler)
{
    int                 fd, one;
    struct sockaddr_in  local;

    fd = socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0);
    if (fd == -1) {
        return -1;
    }

    one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));

    memset(&local, 0, sizeof(local));
    local.sin_family = AF_INET;
    local.sin_addr.s_addr = htonl(0x7f000002 + (source / 250 << 8)
                                  + source % 250);

    if (bind(fd, (struct sockaddr *) &local, sizeof(local)) == -1
        || (connect(fd, (struct sockaddr *) &net_peer, sizeof(net_peer)) == -1
            && errno != EINPROGRESS))
    {
        close(fd);
        return -1;
    }

    memset(conn, 0, sizeof(net_conn_t));
    conn->fd = fd;
    conn->handler = handler;
    conn->opening = 1;
    conn->writing = 1;

    if (net_tls) {
        conn->ssl = SSL_new(net_tls);

        if (conn->ssl == NULL || SSL_set_fd(conn->ssl, fd) != 1) {
            net_close(conn);
            return -1;
        }

        SSL_set_connect_state(conn->ssl);
    }

    net_set_events(conn, EPOLL_CTL_ADD);

    return 0;
}


void
net_close(net_conn_t *conn)
{
    if (conn->handler == NULL) {
        return;
    }

    if (conn->ssl) {
        SSL_free(conn->ssl);
        conn->ssl = NULL;
    }

    close(conn->fd);
    free(conn->rest);

    conn->rest = NULL;
    conn->rest_len = 0;
    conn->handler = NULL;
}


static void
net_closed(net_conn_t *conn)
{
    net_handler_pt  handler;

    handler = conn->handler;
    net_close(conn);
    handler(conn, NET_CLOSED, NULL, 0);
}


/* bytes done, 0 for none now, -1 for closed */
static ssize_t
net_send(net_conn_t *conn, const char *data, size_t len)
{
    int      error;
    ssize_t  n;

    if (conn->ssl) {
        n = SSL_write(conn->ssl, data, len);
        error = n > 0 ? 0 : SSL_get_error(conn->ssl, n);

        return n > 0 ? n
               : error == SSL_ERROR_WANT_WRITE
                 || error == SSL_ERROR_WANT_READ ? 0 : -1;
    }

    n = send(conn->fd, data, len, MSG_NOSIGNAL);

    return n == -1 && errno == EAGAIN ? 0 : n;
}


static ssize_t
net_recv(net_conn_t *conn)
{
    int      error;
    ssize_t  n;

    if (conn->ssl) {
        n = SSL_read(conn->ssl, net_buffer, NET_BUFFER);
        error = n > 0 ? 0 : SSL_get_error(conn->ssl, n);

        return n > 0 ? n
               : error == SSL_ERROR_WANT_WRITE
                 || error == SSL_ERROR_WANT_READ ? 0 : -1;
    }

    n = recv(conn->fd, net_buffer, NET_BUFFER, 0);

    return n == 0 ? -1 : n == -1 && errno == EAGAIN ? 0 : n;
}


int
net_write(net_conn_t *conn, const char *data, size_t len)
{
    char     *rest;
    ssize_t   n;

    n = conn->rest_len ? 0 : net_send(conn, data, len);

    if (n == -1) {
        net_close(conn);
        return -1;
    }

    if ((size_t) n == len) {
        return 0;
    }

    rest = realloc(conn->rest, conn->rest_len + len - n);
    if (rest == NULL) {
        net_close(conn);
        return -1;
    }

    memcpy(rest + conn->rest_len, data + n, len - n);
    conn->rest = rest;
    conn->rest_len += len - n;
    conn->writing = 1;

    net_set_events(conn, EPOLL_CTL_MOD);

    return 0;
}


/* 1: up, 0: not yet, -1: failed */
static int
net_open(net_conn_t *conn)
{
    int        error, rc;
    socklen_t  len;

    error = 0;
    len = sizeof(error);

    if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1
        || error)
    {
        return -1;
    }

    if (conn->ssl == NULL) {
        return 1;
    }

    rc = SSL_do_handshake(conn->ssl);

    if (rc == 1) {
        return 1;
    }

    error = SSL_get_error(conn->ssl, rc);

    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
        return -1;
    }

    rc = error == SSL_ERROR_WANT_WRITE;

    if (rc != conn->writing) {
        conn->writing = rc;
        net_set_events(conn, EPOLL_CTL_MOD);
    }

    return 0;
}


static void
net_writable(net_conn_t *conn)
{
    ssize_t  n;

    n = conn->rest_len ? net_send(conn, conn->rest, conn->rest_len) : 0;

    if (n == -1) {
        net_closed(conn);
        return;
    }

    conn->rest_len -= n;
    memmove(conn->rest, conn->rest + n, conn->rest_len);

    if (conn->rest_len == 0) {
        conn->writing = 0;
        net_set_events(conn, EPOLL_CTL_MOD);
    }
}


static void
net_readable(net_conn_t *conn)
{
    ssize_t  n;

    do {
        n = net_recv(conn);

        if (n == -1) {
            net_closed(conn);
            return;
        }

        if (n) {
            conn->handler(conn, NET_DATA, net_buffer, n);
        }

        /* the handler may have closed it, or opened it again */

    } while (conn->handler && !conn->opening
             && (n == NET_BUFFER || (n && conn->ssl)));
}


static void
net_event(net_conn_t *conn, uint32_t events)
{
    int  rc;

    if (conn->handler == NULL) {
        return;
    }

    if (conn->opening) {
        rc = net_open(conn);

        if (rc == -1) {
            net_closed(conn);
            return;
        }

        if (rc == 0) {
            return;
        }

        conn->opening = 0;
        conn->writing = 0;
        net_set_events(conn, EPOLL_CTL_MOD);
        conn->handler(conn, NET_OPEN, NULL, 0);
        return;
    }

    if (conn->rest && conn->writing && events & EPOLLOUT) {
        net_writable(conn);
    }

    if (conn->handler && events & (EPOLLIN|EPOLLHUP|EPOLLERR)) {
        net_readable(conn);
    }
}


void
net_watch_input(void)
{
    struct epoll_event  ee;

    ee.events = EPOLLIN;
    ee.data.ptr = NULL;

    epoll_ctl(net_epoll, EPOLL_CTL_ADD, STDIN_FILENO, &ee);
}


int
net_poll_input(void)
{
    if (net_input > 0) {
        net_input--;
        return 1;
    }

    return net_input;
}


static void
net_read_input(void)
{
    char     line[256];
    ssize_t  i, n;

    n = read(STDIN_FILENO, line, sizeof(line));

    if (n <= 0) {
        epoll_ctl(net_epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
        net_input = -1;
        return;
    }

    for (i = 0; i < n; i++) {
        net_input += line[i] == '\n';
    }
}


void
net_run(uint64_t ns)
{
    int                 i, n;
    struct timespec     ts;
    struct epoll_event  events[NET_EVENTS];

    ts.tv_sec = ns / 1000000000;
    ts.tv_nsec = ns % 1000000000;

    n = epoll_pwait2(net_epoll, events, NET_EVENTS, &ts, NULL);

    for (i = 0; i < n; i++) {
        if (events[i].data.ptr == NULL) {
            net_read_input();

        } else {
            net_event(events[i].data.ptr, events[i].events);
        }
    }
}
