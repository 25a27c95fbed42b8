
/*
 * What systemd is told about this process, by the protocol of sd_notify(3):
 * datagrams to the socket that the environment names.  Without one nothing is
 * sent, and all functions do nothing.
 *
 * Nothing is sent by a thread or a timer of its own: a loop that hangs sends
 * nothing, and systemd restarts the process (WatchdogSec).
 */


#ifndef NOTIFY_H
#define NOTIFY_H


/* size of a status, which is truncated to it */
#define NOTIFY_STATUS  256


/*
 * Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.  To be called once,
 * before the others; a socket that cannot be used is logged.
 */
void notify_open(void);

/* Sends nothing from now on: to be called in a process of this one. */
void notify_close(void);

/*
 * Sends what is new: that the process is ready, once; the status, a sentence,
 * if it has changed; and that the process is alive, four times in WatchdogSec.
 * To be called at each turn of a loop.
 */
void notify_turn(int ready, const char *status);

/* Only that the process is alive; for an operation of several long steps. */
void notify_alive(void);

/* Sends that the process is about to end. */
void notify_stopping(void);


#endif /* NOTIFY_H */
