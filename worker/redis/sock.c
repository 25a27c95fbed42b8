
/*
 * Sockets to Redis.  A socket does not block while it connects, as only poll()
 * has a limit for all of that; afterwards it blocks, with SO_RCVTIMEO, so that
 * a read is one system call.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "sock.h"
#include "tls.h"


static int
sock_fail(sock_t *sock, const char *why)
{
    (void) snprintf(sock->error, sizeof(sock->error), "%s", why);

    return -1;
}


void
sock_close(sock_t *sock)
{
    /* without a TLS close_notify, which could block */

    SSL_free(sock->ssl);
    sock->ssl = NULL;

    if (sock->fd != -1) {
        (void) close(sock->fd);
        sock->fd = -1;
    }
}


/* waits for the end of a connect(): 0, or -1 with errno */
static int
sock_connected(int fd, int64_t deadline)
{
    int            rc, error;
    int64_t        left;
    socklen_t      len;
    struct pollfd  pfd;

    pfd.fd = fd;
    pfd.events = POLLOUT;

    do {
        left = deadline - clock_monotonic();
        rc = poll(&pfd, 1, left > 0 ? (int) left : 0);
    } while (rc == -1 && errno == EINTR);

    error = ETIMEDOUT;
    len = sizeof(error);

    if (rc == 1 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1) {
        return -1;
    }

    errno = error;

    return error ? -1 : 0;
}


/* connects to one address: 0, or -1 with the reason in sock->error */
static int
sock_connect(sock_t *sock, int family, const struct sockaddr *addr,
    socklen_t len, int64_t deadline)
{
    int  one;

    sock->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (sock->fd == -1) {
        return sock_fail(sock, strerror(errno));
    }

    if (connect(sock->fd, addr, len) == -1
        && (errno != EINPROGRESS || sock_connected(sock->fd, deadline) == -1))
    {
        (void) sock_fail(sock, strerror(errno));
        sock_close(sock);
        return -1;
    }

    one = 1;

    if (family != AF_UNIX) {
        (void) setsockopt(sock->fd, IPPROTO_TCP, TCP_NODELAY, &one,
                          sizeof(one));
    }

    return 0;
}


static int
sock_connect_unix(sock_t *sock, const char *path, int64_t deadline)
{
    struct sockaddr_un  addr;

    memset(&addr, 0, sizeof(addr));
    addr.sun_family = AF_UNIX;

    if (strlen(path) >= sizeof(addr.sun_path)) {
        return sock_fail(sock, strerror(ENAMETOOLONG));
    }

    memcpy(addr.sun_path, path, strlen(path));

    return sock_connect(sock, AF_UNIX, (struct sockaddr *) &addr, sizeof(addr),
                        deadline);
}


/* tries all addresses of the host, each for its share of the time */
static int
sock_connect_tcp(sock_t *sock, const char *host, unsigned port, int64_t ms)
{
    int               rc, n;
    char              service[16];
    int64_t           now, deadline;
    struct addrinfo   hints, *list, *p;

    memset(&hints, 0, sizeof(hints));
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;

    (void) snprintf(service, sizeof(service), "%u", port);

    rc = getaddrinfo(host, service, &hints, &list);
    if (rc != 0) {
        return sock_fail(sock, gai_strerror(rc));
    }

    n = 0;

    for (p = list; p != NULL; p = p->ai_next) {
        n++;
    }

    deadline = clock_monotonic() + ms;
    rc = -1;

    for (p = list; p != NULL && rc == -1; p = p->ai_next, n--) {
        now = clock_monotonic();
        rc = sock_connect(sock, p->ai_family, p->ai_addr, p->ai_addrlen,
                          now + (deadline - now) / n);
    }

    freeaddrinfo(list);

    return rc;
}


int
sock_open(sock_t *sock, const sock_addr_t *addr, int64_t ms)
{
    int  rc, flags;

    sock_close(sock);

    rc = addr->path ? sock_connect_unix(sock, addr->path,
                                        clock_monotonic() + ms)
                    : sock_connect_tcp(sock, addr->host, addr->port, ms);
    if (rc == -1) {
        return -1;
    }

    if (addr->tls) {
        sock->ssl = tls_open(addr->tls, sock->fd, addr->name,
                             clock_monotonic() + ms, sock->error,
                             sizeof(sock->error));
        if (sock->ssl == NULL) {
            sock_close(sock);
            return -1;
        }
    }

    flags = fcntl(sock->fd, F_GETFL);

    if (flags == -1 || fcntl(sock->fd, F_SETFL, flags & ~O_NONBLOCK) == -1) {
        (void) sock_fail(sock, strerror(errno));
        sock_close(sock);
        return -1;
    }

    return 0;
}


int
sock_set_timeout(sock_t *sock, int ms)
{
    struct timeval  tv;

    tv.tv_sec = ms / 1000;
    tv.tv_usec = (ms % 1000) * 1000;

    return setsockopt(sock->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == 0
           && setsockopt(sock->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv))
              == 0
           ? 0 : -1;
}


/* sets the reason why a call with the result rc has failed: -1 */
static int
sock_fail_io(sock_t *sock, int rc)
{
    if (sock->ssl == NULL) {
        return sock_fail(sock, errno == EAGAIN ? "timed out"
                                               : strerror(errno));
    }

    switch (SSL_get_error(sock->ssl, rc)) {

    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return sock_fail(sock, "timed out");
    }

    tls_describe(sock->ssl, rc, sock->error, sizeof(sock->error));

    return -1;
}


ssize_t
sock_read(sock_t *sock, char *dst, size_t size)
{
    int      max;
    ssize_t  n;

    max = size > INT_MAX ? INT_MAX : (int) size;

    do {
        errno = 0;
        n = sock->ssl ? SSL_read(sock->ssl, dst, max)
                      : recv(sock->fd, dst, size, 0);
    } while (n < 0 && errno == EINTR);

    if (n > 0) {
        if (sock->ssl) {
            tls_accepted(sock->ssl);
        }

        return n;
    }

    if (n == 0 && sock->ssl == NULL) {
        return sock_fail(sock, "Server closed the connection");
    }

    return sock_fail_io(sock, (int) n);
}


int
sock_write(sock_t *sock, const char *s, size_t len)
{
    ssize_t  n;

    while (len > 0) {
        do {
            errno = 0;
            n = sock->ssl ? SSL_write(sock->ssl, s,
                                      len > INT_MAX ? INT_MAX : (int) len)
                          : send(sock->fd, s, len, MSG_NOSIGNAL);
        } while (n < 0 && errno == EINTR);

        if (n <= 0) {
            return sock_fail_io(sock, (int) n);
        }

        s += n;
        len -= (size_t) n;
    }

    return 0;
}
