
/* The log of the worker, on standard error. */

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"


#define LOG_LINE  1000


static log_level_e  log_level = LOG_NOTICE;

/* "SUBJECT: ", or "" */
static char  log_subject[300];

/* standard error is a stream of the journal */
static int  log_journal;

static const char  *log_names[] = {
    "alert", "error", "warn", "notice", "info", "debug"
};

/* of syslog */
static const char  *log_priorities[] = {
    "<1>", "<3>", "<4>", "<5>", "<6>", "<7>"
};


void
log_open(void)
{
    char         mine[64];
    const char  *stream;
    struct stat  st;

    stream = getenv("JOURNAL_STREAM");

    if (stream == NULL || fstat(STDERR_FILENO, &st) == -1) {
        return;
    }

    (void) snprintf(mine, sizeof(mine), "%ju:%ju", (uintmax_t) st.st_dev,
                    (uintmax_t) st.st_ino);

    log_journal = strcmp(mine, stream) == 0;
}


void
log_set_level(log_level_e level)
{
    log_level = level;
}


void
log_set_subject(const char *subject)
{
    (void) snprintf(log_subject, sizeof(log_subject), "%s: ", subject);
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

    head = snprintf(line, sizeof(line), "%s%s [%s] %s",
                    log_journal ? log_priorities[level] : "", now,
                    log_names[level], log_subject);

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
