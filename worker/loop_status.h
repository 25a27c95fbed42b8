
/*
 * What systemd is told of the worker, and "systemctl status" shows: whether it
 * takes requests, and else why not.
 */


#ifndef LOOP_STATUS_H
#define LOOP_STATUS_H


#include "conn.h"
#include "heartbeat.h"


typedef enum {
    LOOP_STATUS_STARTS = 0,        /* the first attempt to use Redis */
    LOOP_STATUS_FAILS,             /* an attempt has failed */
    LOOP_STATUS_TAKES,             /* takes requests */
    LOOP_STATUS_REFUSED            /* Redis refuses to write, for now */
} loop_status_e;


/*
 * Tells systemd that the worker is alive, and its state.  To be called at each
 * turn of the loop.
 *
 * The worker is ready once it takes requests, or once an attempt has failed:
 * the start of a machine does not wait for a Redis that is down.
 */
void loop_status_report(loop_status_e state, const conn_t *conn,
    const heartbeat_t *heartbeat);


#endif /* LOOP_STATUS_H */
