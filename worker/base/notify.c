
/*
 * Datagrams to systemd.  A socket is opened for each, some eight in a minute:
 * one that is kept would be closed by what closes all descriptors, and its
 * number reused.
 *
 * What could not be sent is sent at the next turn: a full socket must not stop
 * the worker.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "notify.h"


static struct {
    struct sockaddr_un  addr;
    socklen_t           len;       /* of addr; 0: there is no socket */
    int64_t             interval;  /* ms; 0: no watchdog */
    int64_t             alive_at;  /* next time, clock_monotonic() */
    int                 ready;     /* sent */
    char                status[NOTIFY_STATUS];
                                   /* sent last */
} notify;


/* the interval at which systemd expects a sign of life, or 0 */
static int64_t
notify_interval(void)
{
    int64_t      us;
    const char  *usec, *pid;

    usec = getenv("WATCHDOG_USEC");
    pid = getenv("WATCHDOG_PID");

    if (usec == NULL || (pid != NULL && atoll(pid) != (long long) getpid())) {
        return 0;
    }

    us = strtoll(usec, NULL, 10);

    return us > 0 ? us / 1000 / 4 + 1 : 0;
}


void
notify_open(void)
{
    size_t       len;
    const char  *path;

    path = getenv("NOTIFY_SOCKET");

    if (path == NULL || path[0] == '\0') {
        return;
    }

    len = strlen(path);

    if ((path[0] != '/' && path[0] != '@')
        || len >= sizeof(notify.addr.sun_path))
    {
        log_warn("NOTIFY_SOCKET is no socket that can be used: \"%.200s\"",
                 path);
        return;
    }

    notify.addr.sun_family = AF_UNIX;
    memcpy(notify.addr.sun_path, path, len);

    /* the name of an abstract socket begins with a zero byte */

    if (path[0] == '@') {
        notify.addr.sun_path[0] = '\0';
    }

    notify.len = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + len);
    notify.interval = notify_interval();
}


void
notify_close(void)
{
    notify.len = 0;
    notify.interval = 0;
}


/* 0, or -1 if it was not sent */
static int
notify_send(const char *text)
{
    int      fd;
    size_t   len;
    ssize_t  n;

    fd = socket(AF_UNIX, SOCK_DGRAM|SOCK_CLOEXEC, 0);
    if (fd == -1) {
        return -1;
    }

    len = strlen(text);
    n = sendto(fd, text, len, MSG_NOSIGNAL|MSG_DONTWAIT,
               (const struct sockaddr *) &notify.addr, notify.len);
    (void) close(fd);

    return n == (ssize_t) len ? 0 : -1;
}


/* copies a status, which is one line */
static void
notify_line(char dst[NOTIFY_STATUS], const char *status)
{
    char  *p;

    (void) snprintf(dst, NOTIFY_STATUS, "%s", status);

    for (p = dst; *p != '\0'; p++) {
        if ((unsigned char) *p < ' ' || *p == 0x7f) {
            *p = '?';
        }
    }
}


void
notify_turn(int ready, const char *status)
{
    int      has_status, has_ready;
    char     line[NOTIFY_STATUS], text[NOTIFY_STATUS + 16];

    if (notify.len == 0) {
        return;
    }

    notify_line(line, status);

    has_ready = ready && !notify.ready;
    has_status = strcmp(line, notify.status) != 0;

    if (has_ready || has_status) {
        (void) snprintf(text, sizeof(text), "%sSTATUS=%s\n",
                        has_ready ? "READY=1\n" : "", line);

        if (notify_send(text) == 0) {
            notify.ready |= has_ready;
            memcpy(notify.status, line, NOTIFY_STATUS);
        }
    }

    notify_alive();
}


void
notify_alive(void)
{
    int64_t  now;

    now = clock_monotonic();

    if (notify.interval == 0 || now < notify.alive_at) {
        return;
    }

    if (notify_send("WATCHDOG=1\n") == 0) {
        notify.alive_at = now + notify.interval;
    }
}


void
notify_stopping(void)
{
    if (notify.len != 0) {
        (void) notify_send("STOPPING=1\nSTATUS=stopping\n");
    }
}
