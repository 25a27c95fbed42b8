
/* Makes the status of the worker, for systemd. */

#include <stdio.h>

#include "loop_status.h"
#include "notify.h"


void
loop_status_report(loop_status_e state, const conn_t *conn,
    const heartbeat_t *heartbeat)
{
    char         status[NOTIFY_STATUS];
    const char  *what, *why;

    why = "";

    if (state == LOOP_STATUS_STARTS) {
        what = "connecting to redis";

    } else if (state == LOOP_STATUS_TAKES && heartbeat->why[0] == '\0') {
        what = "takes requests";

    } else if (!conn_alive(conn)) {
        what = "can't connect to redis: ";
        why = conn_error(conn);

    } else if (heartbeat_refused(heartbeat)) {
        what = "takes no requests, see the log: ";
        why = heartbeat->refused;

    } else {
        what = "redis refuses, retrying: ";
        why = heartbeat->why;
    }

    (void) snprintf(status, sizeof(status), "%s%s", what, why);

    if (heartbeat->seat != NULL) {
        peers_turned(crew_peer(heartbeat->seat));
    }

    notify_turn(state != LOOP_STATUS_STARTS, status);
}
