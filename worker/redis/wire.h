
/*
 * Commands and replies over a socket, pipelined: hiredis formats and parses.
 * After an error the wire is closed.
 */


#ifndef WIRE_H
#define WIRE_H


#include <hiredis/hiredis.h>

#include "args.h"
#include "sock.h"


#if (HIREDIS_MAJOR > 0)
typedef size_t  wire_elements_t;
#else
typedef int     wire_elements_t;
#endif


typedef struct {
    sock_t                      sock;
    redisReader                *reader;    /* NULL if closed */
    redisReplyObjectFunctions   functions; /* hiredis's, except for arrays */
    void                     *(*create_array)(const redisReadTask *task,
                                              wire_elements_t elements);
    buf_t                       out;       /* commands not yet sent */
    char                        error[160];
} wire_t;


#define WIRE_INIT  { .sock = SOCK_INIT, .out = BUF_INIT }


/*
 * Connects within connect_ms, and then waits for replies for timeout_ms.
 * Returns 0, or -1 with the reason in wire->error.
 */
int wire_open(wire_t *wire, const sock_addr_t *addr, int connect_ms,
    int timeout_ms);

/* Closes the wire, and sets wire->error; a closed one is allowed. */
void wire_close(wire_t *wire, const char *why);

/* Closes the wire and frees its memory. */
void wire_free(wire_t *wire);

/* Returns 1 if the wire is open. */
int wire_alive(const wire_t *wire);

/* Returns 1 if wire_recv() has bytes to read, or an error, without waiting. */
int wire_ready(const wire_t *wire);

/* Sets how long wire_recv() waits.  Returns 0 or -1. */
int wire_set_timeout(wire_t *wire, int ms);

/*
 * Queues a command; args may be reset or freed afterwards.  Returns 0, or -1 if
 * the wire is closed or if memory is short, which closes it.
 */
int wire_send(wire_t *wire, args_t *args);

/* Sends what is queued.  Returns 0, or -1 if the wire is closed. */
int wire_flush(wire_t *wire);

/*
 * Sends what is queued, and returns the next reply, to be freed by
 * freeReplyObject(), or NULL if the wire is closed.
 */
redisReply *wire_recv(wire_t *wire);

/* wire_send() and wire_recv(), and resets args. */
redisReply *wire_call(wire_t *wire, args_t *args);


#endif /* WIRE_H */
