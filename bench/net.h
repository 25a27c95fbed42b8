
/*
 * Connections over epoll: non-blocking, with TLS or without, from as many
 * source addresses as it takes.
 *
 * A connection is part of the caller's own struct, which must outlive it.
 */


#ifndef NET_H
#define NET_H


#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>


typedef enum {
    NET_OPEN = 0,                  /* a request may be written */
    NET_DATA,                      /* data and len are there */
    NET_CLOSED                     /* by the peer, or it never came up */
} net_event_e;


typedef struct net_conn_s  net_conn_t;

typedef void (*net_handler_pt)(net_conn_t *conn, net_event_e event, char *data,
    size_t len);


struct net_conn_s {
    int             fd;
    SSL            *ssl;
    net_handler_pt  handler;
    char           *rest;          /* unsent, allocated */
    size_t          rest_len;
    unsigned        opening:1;     /* connect() or the handshake is under way */
    unsigned        writing:1;     /* epoll tells when it is writable */
};


/*
 * Where to connect to, and whether with TLS; 0, or -1 with errno set.
 */
int net_init(const char *host, unsigned port, int tls);

/*
 * Connects.  source: connections with the same number come from the same
 * address, 127.0.x.y, and should be fewer than some 20,000.  0, or -1 when no
 * socket could be had; all else is told to the handler, never from within.
 */
int net_connect(net_conn_t *conn, unsigned source, net_handler_pt handler);

/*
 * sends, or stores what cannot be sent yet; 0, or -1: closed, without a call of
 * the handler
 */
int net_write(net_conn_t *conn, const char *data, size_t len);

/* closes it without a call of the handler; does nothing if it is closed */
void net_close(net_conn_t *conn);

/* standard input ends the wait of net_poll_input() when it has a line */
void net_watch_input(void);

/* 1 once after each line of input, and at its end; -1 after its end */
int net_poll_input(void);

/* handles what happens within so many nanoseconds, at least once */
void net_run(uint64_t ns);


#endif /* NET_H */
