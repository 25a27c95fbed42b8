
/*
 * One connection to Redis, used synchronously and with pipelining.
 *
 * Commands are queued by conn_send() and leave with the next conn_recv(),
 * which gives the replies in the order of the commands.  A connection that
 * broke stays broken, and every call on it fails at once, until conn_open()
 * makes a new one: whoever holds half-read replies need not clean up.
 */


#ifndef CONN_H
#define CONN_H


#include <stddef.h>
#include <hiredis/hiredis.h>

#include "args.h"
#include "url.h"


/*
 * Redis answers within this, or the connection is given up; longer than any
 * BLOCK that is asked for
 */
#define CONN_TIMEOUT_MS  5000


typedef struct conn_s  conn_t;


typedef enum {
    CONN_OK = 0,
    CONN_LOST,                     /* no reply: the connection is gone */
    CONN_REFUSED,                  /* Redis can't for now: OOM, LOADING … */
    CONN_NO_LIBRARY,               /* our functions are not there */
    CONN_FAILED                    /* this command fails, now and later */
} conn_result_e;


/* NULL: no memory.  The name is for CLIENT LIST */
conn_t *conn_create(const url_t *url, const char *name);
void conn_free(conn_t *conn);

/*
 * Connects anew, with AUTH and CLIENT SETNAME: 0, or -1 with the
 * reason in conn_error().
 */
int conn_open(conn_t *conn);

/*
 * how long conn_recv() waits on this connection from now on, instead of
 * CONN_TIMEOUT_MS: 0, or -1
 */
int conn_patience(conn_t *conn, int ms);

/* gives the connection up, if there is one */
void conn_close(conn_t *conn);

/* 1 while there is a connection not known to be broken */
int conn_alive(const conn_t *conn);

/* the reason of the last failure; never holds a password */
const char *conn_error(const conn_t *conn);

/*
 * Queues a command: 0, or -1 if it can't be (connection broken, no memory;
 * the latter breaks it).  args can be reset or freed afterwards.
 */
int conn_send(conn_t *conn, args_t *args);

/*
 * The same for a command whose reply does not matter and is dropped when it
 * comes; it leaves together with the next command.  Not while the reply to
 * another command is still to be received.
 */
int conn_send_quiet(conn_t *conn, args_t *args);

/*
 * The next reply, to be freed with freeReplyObject(), or NULL for a broken
 * connection.  It is broken here if Redis turns out to be a replica.
 */
redisReply *conn_recv(conn_t *conn);

/* the two together */
redisReply *conn_call(conn_t *conn, args_t *args);

/* what a reply says; NULL is CONN_LOST */
conn_result_e conn_result(const redisReply *reply);

/* the element i of an array, or NULL if there is none */
const redisReply *conn_element(const redisReply *reply, size_t i);

/*
 * a reply as a number, given as an integer or as decimal text: 0, or -1 for
 * anything else
 */
int conn_number(const redisReply *reply, long long *n);


#endif /* CONN_H */
