
/*
 * The operators' command line, build/leaseloft: what all commands share to
 * read files and to report results.
 *
 * cli_main.c parses the arguments and runs one command of cli_commands.c.
 * Each command has a file of its own.  A command writes its result to standard
 * output and errors, one a line, to standard error.  It returns the exit
 * status.
 */


#ifndef CLI_H
#define CLI_H


#include <stdint.h>

#include "common/frame.h"
#include "common/keys.h"
#include "args.h"
#include "buf.h"
#include "cluster.h"
#include "conn.h"


#define CLI_OK       0
#define CLI_FAILED   1
#define CLI_USAGE    2

/* how many options a command may have besides the common ones */
#define CLI_OPTIONS  7


typedef struct cli_s  cli_t;


typedef struct {
    const char            *name;       /* "--ttl" */
    const char            *value;      /* "SECONDS"; NULL if it takes none */
    const char            *help;
    int                    needed;
} cli_option_t;


typedef struct {
    const char            *name;       /* "lease put" */
    const char            *arguments;  /* "PROPERTY FILE", as in the help */
    int                    min, max;   /* number; max is -1 for no limit */
    const char            *summary;    /* one line */
    const char            *help;       /* ends with a newline */
    cli_option_t           options[CLI_OPTIONS];
    int                  (*run)(cli_t *cli);
    int                    local;      /* does not need Redis */
} cli_command_t;


/* the options of all commands */

typedef enum {
    CLI_REDIS = 0,                 /* plus a server_setting_e */
    CLI_PREFIX = CLI_REDIS + SERVER_SETTINGS,
    CLI_QUEUES,
    CLI_JSON,
    CLI_HELP,
    CLI_VERSION,
    CLI_COMMON
} cli_common_e;


struct cli_s {
    const cli_command_t   *command;
    const char            *common[CLI_COMMON];
                                       /* values of the common options; "" for
                                          one that takes no value */
    server_t               redis;
    int                    json;
    unsigned               queues;     /* number of queues */
    char                 **args;       /* arguments that are not options */
    int                    nargs;
    const char            *values[CLI_OPTIONS];
                                       /* of the command's own options */
    cluster_t             *cluster;    /* NULL: a single server */
    conn_t                *conn;       /* to it; in a cluster, the one used
                                          last */
    char                   host[LL_SLOTS_HOST + 1];
                                       /* of a connection of its own there */
    conn_result_e          result;     /* of the last Redis command */
    char                   why[256];   /* reason of the last failure */
};


/*
 * Prints an error message, formatted as by printf().  Here and below, the user
 * and the password of a URL in the text are masked.  Returns CLI_FAILED.
 */
int cli_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Prints an error about the arguments and how to get help.  Returns CLI_USAGE.
 */
int cli_usage(const cli_t *cli, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Checks that an argument is an id; "what" names it in the error message.
 * Returns CLI_OK or CLI_USAGE.
 */
int cli_check_id(const cli_t *cli, const char *what, const char *id);

/*
 * Writes the buffer and a newline to standard output.  Returns the exit
 * status.
 */
int cli_print(const buf_t *buf);

/*
 * Appends a file of at most "max" bytes to the buffer; "-" is standard input.
 * Returns 0, or -1 after an error message.
 */
int cli_read_file(const char *path, size_t max, buf_t *buf);


#endif /* CLI_H */
