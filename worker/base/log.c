
/* The log of the worker, on standard error. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"


#define LOG_LINE  1000


static log_level_e  log_level = LOG_NOTICE;

static const char  *log_names[] = {
    "alert", "error", "warn", "notice", "info", "debug"
};


void
log_set_level(log_level_e level)
{
    log_level = level;
}


int
log_level_of(const char *name)
{
    size_t  i;

    for (i = 0; i < sizeof(log_names) / sizeof(log_names[0]); i++) {
        if (strcmp(name, log_names[i]) == 0) {
            return (int) i;
        }
    }

    return -1;
}


/* one write() for each record, so that records of processes do not mix */
void
log_write(log_level_e level, const char *fmt, ...)
{
    int      head, n, i;
    char     line[LOG_LINE + 1], now[CLOCK_LEN + 1];
    va_list  args;

    if (level > log_level) {
        return;
    }

    clock_format(now, clock_now());

    head = snprintf(line, sizeof(line), "%s [%s] ", now, log_names[level]);

    va_start(args, fmt);
    n = vsnprintf(line + head, sizeof(line) - (size_t) head, fmt, args);
    va_end(args);

    if (n < 0) {
        return;
    }

    n += head;

    if (n > LOG_LINE - 1) {
        n = LOG_LINE - 1;
    }

    for (i = head; i < n; i++) {
        if ((unsigned char) line[i] < ' ' || line[i] == 0x7f) {
            line[i] = '?';
        }
    }

    line[n++] = '\n';

    if (write(STDERR_FILENO, line, (size_t) n) < 0) {
        return;                    /* a failure cannot be reported */
    }
}
