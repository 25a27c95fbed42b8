
/*
 * A synchronous connection to Redis, with pipelining.
 *
 * conn_send() queues commands and the next conn_recv() sends them; replies are
 * returned in the order of the commands.  After an error every call fails at
 * once until conn_open() reconnects, so that a caller need not read the
 * replies that are left.
 */


#ifndef CONN_H
#define CONN_H


#include <stddef.h>
#include <hiredis/hiredis.h>

#include "args.h"
#include "server.h"


/*
 * how long to wait for a reply before the connection is closed; longer than
 * any BLOCK
 */
#define CONN_TIMEOUT_MS  5000


typedef struct conn_s  conn_t;


typedef enum {
    CONN_OK = 0,
    CONN_LOST,                     /* no reply: the connection is broken */
    CONN_REFUSED,                  /* Redis cannot for now: OOM, LOADING … */
    CONN_NO_LIBRARY,               /* the functions are not loaded */
    CONN_FAILED                    /* this command fails */
} conn_result_e;


/*
 * Creates a connection, not yet open, and copies the settings.  The name is for
 * CLIENT LIST.  Returns NULL if memory is short.
 */
conn_t *conn_create(const server_t *server, const char *name);

/* Closes and frees the connection; NULL is allowed. */
void conn_free(conn_t *conn);

/*
 * Closes the connection and connects again, with AUTH and CLIENT SETNAME; with
 * Sentinel, to a server that a sentinel names and that accepts writes.  The
 * files of the password and of TLS are read again.  Returns 0, or -1 with the
 * reason in conn_error().
 */
int conn_open(conn_t *conn);

/*
 * With Sentinel, asks from time to time whether another server is the primary
 * now; to be called often, while no reply is to be received.  Returns 1 if so,
 * and then the connection is closed, else 0.
 */
int conn_moved(conn_t *conn);

/*
 * Reads the files that conn_open() needs.  Returns 0, or -1 with a sentence in
 * why, of size bytes.
 */
int conn_check(const server_t *server, char *why, size_t size);

/*
 * Sets how long conn_recv() waits, instead of CONN_TIMEOUT_MS, until the next
 * conn_open().  Returns 0 or -1.
 */
int conn_set_timeout(conn_t *conn, int ms);

/*
 * Limits the time to connect, and that of each reply, from the next conn_open()
 * on.
 */
void conn_set_limit(conn_t *conn, int ms);

/* Closes the connection if it is open. */
void conn_close(conn_t *conn);

/* Returns 1 if the connection is open and not known to be broken. */
int conn_alive(const conn_t *conn);

/* Returns the reason of the last failure, without passwords. */
const char *conn_error(const conn_t *conn);

/*
 * Queues a command; args may be reset or freed afterwards.  Returns 0, or -1 if
 * the connection is broken or if memory is short, which breaks it.
 */
int conn_send(conn_t *conn, args_t *args);

/*
 * The same for a command whose reply is dropped; it is sent together with the
 * next command.  Not allowed while a reply is still to be received.
 */
int conn_send_quiet(conn_t *conn, args_t *args);

/*
 * Sends what is queued now, so that Redis works on it meanwhile.  Returns 0, or
 * -1 if the connection is broken.
 */
int conn_flush(conn_t *conn);

/*
 * Returns the next reply, to be freed by freeReplyObject(), or NULL if the
 * connection is broken; a READONLY error of a replica breaks it.
 */
redisReply *conn_recv(conn_t *conn);

/* conn_send() and conn_recv(). */
redisReply *conn_call(conn_t *conn, args_t *args);

/* Classifies a reply; NULL is CONN_LOST. */
conn_result_e conn_result(const redisReply *reply);

/* Returns element i of an array, or NULL if there is none. */
const redisReply *conn_element(const redisReply *reply, size_t i);

/*
 * Reads a reply as a number, an integer or decimal text.  Returns 0, or -1 for
 * anything else.
 */
int conn_number(const redisReply *reply, long long *n);


#endif /* CONN_H */
