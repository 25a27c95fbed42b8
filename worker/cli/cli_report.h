
/*
 * Reports of checks.  A finding is ok, advice, or a fault: something that loses
 * messages or stops the service.
 */


#ifndef CLI_REPORT_H
#define CLI_REPORT_H


#include "cli.h"


typedef enum {
    CLI_REPORT_FINE = 0,
    CLI_REPORT_ADVICE,
    CLI_REPORT_FAULT
} cli_report_level_e;


typedef struct {
    cli_t        *cli;
    args_t        args;            /* of the next command */
    int           n;               /* findings */
    int           faults;
    buf_t         out;
} cli_report_t;


/*
 * Adds a finding about a check.  The text is formatted as by printf(), without
 * a full stop.
 */
void cli_report_add(cli_report_t *report, cli_report_level_e level,
    const char *check, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * Sends the command in report->args, resets them, and returns the reply, to be
 * freed by freeReplyObject().  Returns NULL after adding a finding if there is
 * no reply, which is a fault, or if it is an error, which is advice: managed
 * services disable CONFIG.
 */
redisReply *cli_report_call(cli_report_t *report, const char *check);

/* Returns the number after a name in a list of names and values, or -1. */
long long cli_report_field(const redisReply *list, const char *name);


#endif /* CLI_REPORT_H */
