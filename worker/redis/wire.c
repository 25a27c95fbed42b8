
/* Commands and replies, by hiredis's formatter and reader. */

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"


#define WIRE_READ      16384

/* of one array; replies to our commands are much smaller */
#define WIRE_ELEMENTS  (1024 * 1024)


void
wire_close(wire_t *wire, const char *why)
{
    /* before the reader is freed, whose text it may be */

    if (why != wire->error) {
        (void) snprintf(wire->error, sizeof(wire->error), "%s", why);
    }

    sock_close(&wire->sock);

    if (wire->reader != NULL) {
        redisReaderFree(wire->reader);
        wire->reader = NULL;
    }

    buf_reset(&wire->out);
}


void
wire_free(wire_t *wire)
{
    wire_close(wire, "closed");
    buf_free(&wire->out);
}


int
wire_alive(const wire_t *wire)
{
    return wire->reader != NULL;
}


/*
 * hiredis allocates the elements of an array when it has read their number,
 * which is limited here; NULL fails
 */
static void *
wire_create_array(const redisReadTask *task, wire_elements_t elements)
{
    wire_t  *wire;

    if ((size_t) elements > WIRE_ELEMENTS) {
        return NULL;
    }

    wire = task->privdata;

    return wire->create_array(task, elements);
}


int
wire_open(wire_t *wire, const sock_addr_t *addr, int connect_ms,
    int timeout_ms)
{
    wire_close(wire, "not connected");

    if (sock_open(&wire->sock, addr, connect_ms) == -1) {
        wire_close(wire, wire->sock.error);
        return -1;
    }

    wire->reader = redisReaderCreate();

    if (wire->reader == NULL) {
        wire_close(wire, "no memory");
        return -1;
    }

    wire->functions = *wire->reader->fn;
    wire->create_array = wire->functions.createArray;
    wire->functions.createArray = wire_create_array;
    wire->reader->fn = &wire->functions;
    wire->reader->privdata = wire;

    if (wire_set_timeout(wire, timeout_ms) == -1) {
        wire_close(wire, "cannot set a timeout");
        return -1;
    }

    return 0;
}


int
wire_ready(const wire_t *wire)
{
    struct pollfd  pfd;

    if (!wire_alive(wire)) {
        return 1;
    }

    pfd.fd = wire->sock.fd;
    pfd.events = POLLIN;

    return poll(&pfd, 1, 0) != 0;
}


int
wire_set_timeout(wire_t *wire, int ms)
{
    return wire_alive(wire) ? sock_set_timeout(&wire->sock, ms) : -1;
}


int
wire_send(wire_t *wire, args_t *args)
{
    int    len;
    char  *text;

    if (!wire_alive(wire)) {
        return -1;
    }

    text = NULL;
    len = args_finish(args) == 0
          ? redisFormatCommandArgv(&text, args->n, args->argv, args->argvlen)
          : -1;

    if (len >= 0) {
        buf_add(&wire->out, text, (size_t) len);
        free(text);
    }

    if (len < 0 || buf_failed(&wire->out)) {
        wire_close(wire, "no memory for a command");
        return -1;
    }

    return 0;
}


int
wire_flush(wire_t *wire)
{
    if (wire->out.len == 0) {
        return 0;
    }

    if (sock_write(&wire->sock, wire->out.data, wire->out.len) == -1) {
        wire_close(wire, wire->sock.error);
        return -1;
    }

    buf_reset(&wire->out);

    return 0;
}


/* reads and parses more bytes: 0 or -1 */
static int
wire_read(wire_t *wire)
{
    char     block[WIRE_READ];
    ssize_t  n;

    n = sock_read(&wire->sock, block, sizeof(block));

    if (n == -1) {
        wire_close(wire, wire->sock.error);
        return -1;
    }

    /* a TLS alert, of version 1.x, where a reply should begin */

    if (wire->sock.ssl == NULL && n >= 2 && block[0] == 0x15
        && block[1] == 0x03)
    {
        wire_close(wire, "it speaks TLS on this port: use rediss://");
        return -1;
    }

    if (redisReaderFeed(wire->reader, block, (size_t) n) != REDIS_OK) {
        wire_close(wire, wire->reader->errstr);
        return -1;
    }

    return 0;
}


redisReply *
wire_recv(wire_t *wire)
{
    void  *reply;

    if (!wire_alive(wire)) {
        return NULL;
    }

    for ( ;; ) {
        reply = NULL;

        if (redisReaderGetReply(wire->reader, &reply) != REDIS_OK) {
            wire_close(wire, wire->reader->errstr);
            return NULL;
        }

        if (reply != NULL) {
            return reply;
        }

        if (wire_flush(wire) == -1 || wire_read(wire) == -1) {
            return NULL;
        }
    }
}


redisReply *
wire_call(wire_t *wire, args_t *args)
{
    int  rc;

    rc = wire_send(wire, args);
    args_reset(args);

    return rc == 0 ? wire_recv(wire) : NULL;
}
