
/*
 * The floor: a server that does nothing but what any must.  It takes a message
 * and writes it to the streams of its property: no token, no lease, no store.
 * What others need beyond its time is what their work costs.
 *
 * The same server, told to do its work badly, checks the load generator:
 *
 *     --lose N      every Nth event is not sent
 *     --double N    every Nth event is sent twice
 *     --deaf N      every Nth stream never hears anything
 *     --refuse N    every Nth message is answered 503, and dropped
 *     --stall N:MS  it sleeps so long before the Nth message
 *     --split N     every Nth event comes in two pieces, a moment apart
 *
 * Responses have no length of their own to be counted: a stream's is chunked.
 */


#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "descriptors.h"


#define FLOOR_EVENTS      256
#define FLOOR_REQUEST     4096
#define FLOOR_CONNS       20000
#define FLOOR_PROPERTIES  100000


typedef struct {
    int       fd;
    int       next;                     /* stream of the property; fd or 0 */
    unsigned  property;
    unsigned  is_stream:1;
    unsigned  deaf:1;
    size_t    len;
    char     *in;
} conn_t;


static conn_t    floor_conns[FLOOR_CONNS];
static int       floor_streams[FLOOR_PROPERTIES];
static int       floor_epoll, floor_listener;
static unsigned  floor_lose, floor_double, floor_deaf, floor_refuse;
static unsigned  floor_stall, floor_stall_ms, floor_split;

/* the numbers of events, messages and streams so far */
static unsigned  floor_events, floor_messages, floor_opened;


static const char  floor_hello[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    "Transfer-Encoding: chunked\r\n\r\n"
    "1c\r\nevent: hello\ndata: {\"h\":1}\n\n\r\n";
static const char  floor_created[] =
    "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}";
static const char  floor_refused[] =
    "HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\n{}";


static void
floor_send(int fd, const char *data, size_t len)
{
    if (send(fd, data, len, MSG_NOSIGNAL|MSG_DONTWAIT) != (ssize_t) len) {

        /* a closed connection is noticed when it is read from */

        shutdown(fd, SHUT_RDWR);
    }
}


static void
floor_close(conn_t *conn)
{
    int  *link;

    if (conn->is_stream) {
        link = &floor_streams[conn->property];

        while (*link && *link != conn->fd) {
            link = &floor_conns[*link].next;
        }

        *link = conn->next;
    }

    close(conn->fd);
    free(conn->in);
    memset(conn, 0, sizeof(conn_t));
}


static void
floor_open_stream(conn_t *conn)
{
    conn->is_stream = 1;
    conn->deaf = floor_deaf && ++floor_opened % floor_deaf == 0;
    conn->next = floor_streams[conn->property];
    floor_streams[conn->property] = conn->fd;

    free(conn->in);
    conn->in = NULL;
    conn->len = 0;

    floor_send(conn->fd, floor_hello, sizeof(floor_hello) - 1);
}


static void
floor_event(conn_t *stream, const char *frame, size_t len)
{
    size_t  piece;

    floor_events++;

    if (stream->deaf || (floor_lose && floor_events % floor_lose == 0)) {
        return;
    }

    if (floor_split && floor_events % floor_split == 0) {
        piece = floor_events % len;
        floor_send(stream->fd, frame, piece);
        usleep(500);
        frame += piece;
        len -= piece;
    }

    floor_send(stream->fd, frame, len);

    if (floor_double && floor_events % floor_double == 0) {
        floor_send(stream->fd, frame, len);
    }
}


static void
floor_message(conn_t *conn, const char *body, size_t len)
{
    int     fd;
    char    frame[FLOOR_REQUEST + 64], event[FLOOR_REQUEST + 32];
    size_t  n;

    floor_messages++;

    if (floor_stall && floor_messages == floor_stall) {
        usleep(floor_stall_ms * 1000);
    }

    if (floor_refuse && floor_messages % floor_refuse == 0) {
        floor_send(conn->fd, floor_refused, sizeof(floor_refused) - 1);
        return;
    }

    n = snprintf(event, sizeof(event), "id: %u\ndata: %.*s\n\n",
                 floor_messages, (int) len, body);
    n = snprintf(frame, sizeof(frame), "%zx\r\n%s\r\n", n, event);

    for (fd = floor_streams[conn->property]; fd; fd = floor_conns[fd].next) {
        floor_event(&floor_conns[fd], frame, n);
    }

    floor_send(conn->fd, floor_created, sizeof(floor_created) - 1);
}


/* handles a request that is complete: 1, or 0 if there is none */
static int
floor_request(conn_t *conn)
{
    char    *body, *length, *path;
    size_t   body_len, head_len;

    conn->in[conn->len] = '\0';

    body = strstr(conn->in, "\r\n\r\n");
    path = strstr(conn->in, "/properties/b");

    if (body == NULL || path == NULL) {
        return 0;
    }

    body += 4;
    head_len = body - conn->in;
    length = strstr(conn->in, "Content-Length: ");
    body_len = length && length < body ? strtoul(length + 16, NULL, 10) : 0;

    if (conn->len < head_len + body_len) {
        return 0;
    }

    conn->property = strtoul(path + 13, NULL, 10) % FLOOR_PROPERTIES;

    if (strncmp(conn->in, "GET", 3) == 0) {
        floor_open_stream(conn);
        return 0;
    }

    floor_message(conn, body, body_len);

    conn->len -= head_len + body_len;
    memmove(conn->in, conn->in + head_len + body_len, conn->len);

    return conn->len > 0;
}


static void
floor_read(conn_t *conn)
{
    char     nothing[256];
    ssize_t  n;

    if (conn->is_stream) {
        if (recv(conn->fd, nothing, sizeof(nothing), 0) <= 0) {
            floor_close(conn);
        }

        return;
    }

    n = recv(conn->fd, conn->in + conn->len, FLOOR_REQUEST - conn->len, 0);

    if (n <= 0) {
        floor_close(conn);
        return;
    }

    conn->len += n;

    while (floor_request(conn)) {
        /* the next request has been read already */
    }
}


static void
floor_accept(void)
{
    int                 fd, one;
    struct epoll_event  ee;

    fd = accept4(floor_listener, NULL, NULL, SOCK_NONBLOCK);

    if (fd == -1) {
        return;
    }

    if (fd < FLOOR_CONNS) {
        floor_conns[fd].in = malloc(FLOOR_REQUEST + 1);
    }

    if (fd >= FLOOR_CONNS || floor_conns[fd].in == NULL) {
        close(fd);
        return;
    }

    one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));

    floor_conns[fd].fd = fd;
    ee.events = EPOLLIN;
    ee.data.fd = fd;
    epoll_ctl(floor_epoll, EPOLL_CTL_ADD, fd, &ee);
}


/* on 127.0.0.1; 0 or -1 */
static int
floor_listen(unsigned port)
{
    int                 one;
    struct sockaddr_in  addr;
    struct epoll_event  ee;

    floor_listener = socket(AF_INET, SOCK_STREAM, 0);
    floor_epoll = epoll_create1(0);

    one = 1;
    setsockopt(floor_listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));

    memset(&addr, 0, sizeof(addr));
    addr.sin_family = AF_INET;
    addr.sin_port = htons(port);
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    ee.events = EPOLLIN;
    ee.data.fd = floor_listener;

    return bind(floor_listener, (struct sockaddr *) &addr, sizeof(addr)) == -1
           || listen(floor_listener, 4096) == -1
           || epoll_ctl(floor_epoll, EPOLL_CTL_ADD, floor_listener, &ee) == -1
           ? -1 : 0;
}


static int
floor_options(int argc, char **argv, unsigned *port)
{
    int                         option;
    static const struct option  options[] = {
        { "port",   required_argument, NULL, 'p' },
        { "lose",   required_argument, NULL, 'l' },
        { "double", required_argument, NULL, 'd' },
        { "deaf",   required_argument, NULL, 'D' },
        { "refuse", required_argument, NULL, 'r' },
        { "stall",  required_argument, NULL, 's' },
        { "split",  required_argument, NULL, 'S' },
        { NULL, 0, NULL, 0 }
    };

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'p': *port = atoi(optarg); break;
        case 'l': floor_lose = atoi(optarg); break;
        case 'd': floor_double = atoi(optarg); break;
        case 'D': floor_deaf = atoi(optarg); break;
        case 'r': floor_refuse = atoi(optarg); break;
        case 'S': floor_split = atoi(optarg); break;
        case 's':
            sscanf(optarg, "%u:%u", &floor_stall, &floor_stall_ms);
            break;
        default:
            return -1;
        }
    }

    return *port ? 0 : -1;
}


int
main(int argc, char **argv)
{
    int                 i, n;
    unsigned            port;
    struct epoll_event  events[FLOOR_EVENTS];

    if (descriptors_open() == -1) {
        return 1;
    }

    port = 0;
    signal(SIGPIPE, SIG_IGN);

    if (floor_options(argc, argv, &port) == -1) {
        fputs("usage: floor --port N [--lose N] [--double N] [--deaf N] "
              "[--refuse N] [--stall N:MS] [--split N]\n", stderr);
        return 2;
    }

    if (floor_listen(port) == -1) {
        perror("floor");
        return 1;
    }

    for ( ;; ) {
        n = epoll_wait(floor_epoll, events, FLOOR_EVENTS, -1);

        for (i = 0; i < n; i++) {
            if (events[i].data.fd == floor_listener) {
                floor_accept();

            } else if (floor_conns[events[i].data.fd].fd) {
                floor_read(&floor_conns[events[i].data.fd]);
            }
        }
    }
}
