
/*
 * Reports of checks.  A finding is ok, advice, a fault (something that loses
 * messages or stops the service), or unknown: a check that could not be made.
 * The text of each says what is found, why it matters and what to change.
 */


#ifndef CLI_REPORT_H
#define CLI_REPORT_H


#include "cli.h"


typedef enum {
    CLI_REPORT_FINE = 0,
    CLI_REPORT_ADVICE,
    CLI_REPORT_FAULT,
    CLI_REPORT_UNKNOWN,
    CLI_REPORT_LEVELS
} cli_report_level_e;


typedef struct {
    cli_t        *cli;
    char          subject[LL_SLOTS_HOST + 16];
                                   /* "HOST:PORT: " of the primary of a cluster
                                      that findings are about, or "" */
    unsigned      home;            /* the queue that it has heartbeats beside;
                                      0 for a single server */
    uint64_t      queues;          /* those that it has: bit k; all of a single
                                      server */
    args_t        args;            /* of the next command */
    int           n[CLI_REPORT_LEVELS];  /* findings of each level */
    buf_t         out;             /* the findings, as text or as JSON */
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
 * no reply, which is a fault, or if it is an error, which is unknown: managed
 * services disable CONFIG.
 */
redisReply *cli_report_call(cli_report_t *report, const char *check);

/*
 * Returns the value of a setting of Redis, owned by *reply, which the caller
 * frees.  Returns NULL after adding an unknown finding that names the value
 * wanted; with "wanted" NULL, no finding is added.
 */
const char *cli_report_config(cli_report_t *report, const char *check,
    const char *name, const char *wanted, redisReply **reply);

/*
 * Prints the report, after a line that sums it up, and returns the exit
 * status, which monitoring plugins and cron can use: 0 if all is fine, 1 for
 * advice, 2 for faults, 3 if there is no fault and a check could not be made.
 */
int cli_report_print(cli_report_t *report);

/* Returns the number after a name in a list of names and values, or -1. */
long long cli_report_field(const redisReply *list, const char *name);


#endif /* CLI_REPORT_H */
