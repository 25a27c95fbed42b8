
/*
 * The operators' command line, build/leaseloft.
 *
 * cli_main.c reads the arguments and runs a command of cli_commands.c; each
 * cli_NAME.c holds the commands that begin with NAME; cli.c, cli_redis.c and
 * cli_request.c are what they share to say something, to talk to Redis and to
 * have workers do something.
 *
 * A command writes its result to standard output, and what went wrong, one
 * line each, to standard error.  It returns the exit status.
 */


#ifndef CLI_H
#define CLI_H


#include <stdint.h>

#include "common/frame.h"
#include "common/keys.h"
#include "args.h"
#include "buf.h"
#include "conn.h"


#define CLI_OK       0
#define CLI_FAILED   1
#define CLI_USAGE    2

/* options that a command may have besides those that all have */
#define CLI_OPTIONS  4


typedef struct cli_s           cli_t;
typedef struct cli_requests_s  cli_requests_t;


typedef struct {
    const char            *name;       /* "--ttl" */
    const char            *value;      /* "SECONDS"; NULL: it takes none */
    const char            *help;
    int                    needed;
} cli_option_t;


typedef struct {
    const char            *name;       /* "lease put" */
    const char            *arguments;  /* "PROPERTY FILE", as help shows them */
    int                    min, max;   /* how many; max -1 for any number */
    const char            *summary;    /* a line */
    const char            *help;       /* the rest, ends with a newline */
    cli_option_t           options[CLI_OPTIONS];
    int                  (*run)(cli_t *cli);
    int                    local;      /* needs no Redis */
} cli_command_t;


/* options of all commands */

typedef enum {
    CLI_REDIS = 0,
    CLI_PREFIX,
    CLI_QUEUES,
    CLI_JSON,
    CLI_HELP,
    CLI_VERSION,
    CLI_COMMON
} cli_common_e;


struct cli_s {
    const cli_command_t   *command;
    const char            *common[CLI_COMMON];
                                       /* values of the options of all
                                          commands; "" for one without */
    const char            *redis;      /* URL */
    int                    json;
    unsigned               queues;     /* how many queues there are */
    char                 **args;       /* those that are no options */
    int                    nargs;
    const char            *values[CLI_OPTIONS];
                                       /* of the command's own options */
    conn_t                *conn;
    conn_result_e          result;     /* of the last command */
    char                   why[256];   /* if it failed */
};


/* --- cli_commands.c: both end with a NULL name --- */

extern const cli_command_t  cli_commands[];
extern const cli_option_t   cli_common[];


/* --- cli.c --- */

/*
 * Says what is wrong, as printf: CLI_FAILED.  Here and below, the user and
 * password of a URL in the text are left out.
 */
int cli_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* the same for wrong arguments, and where help is: CLI_USAGE */
int cli_usage(const cli_t *cli, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* 0, or CLI_USAGE if the argument is not an id; what names it in the message */
int cli_check_id(const cli_t *cli, const char *what, const char *id);

/* writes the buffer and a newline to standard output: the exit status */
int cli_print(const buf_t *buf);

/*
 * Reads a file ("-" is standard input) of at most max bytes into the buffer;
 * 0, or -1 having said why
 */
int cli_read_file(const char *path, size_t max, buf_t *buf);


/* --- cli_redis.c --- */

/* connects cli->conn; 0, or -1 having said why */
int cli_connect(cli_t *cli);

/* another connection to the same Redis, or NULL having said why */
conn_t *cli_open(const cli_t *cli);

/*
 * Sends the command, empties args, and returns the reply.  NULL, with the
 * reason in cli->why, if there is none or it is an error.
 */
redisReply *cli_ask(cli_t *cli, args_t *args);

/* the same, having said why */
redisReply *cli_call(cli_t *cli, args_t *args);

/*
 * 1 if the last failure is of what was asked for alone, so that those who do
 * many things do the rest; 0 if whatever is asked next would fail, too
 */
int cli_goes_on(const cli_t *cli);

/* begins a call of our function of that name with the keys of a property */
void cli_property_call(args_t *args, const char *function,
    const char *property);

/* the same with queue K and what was given up of it */
void cli_queue_call(args_t *args, const char *function, unsigned k);

/* the same with the keys of a user */
void cli_user_call(args_t *args, const char *function, const char *user);

/*
 * Calls back with the id in each key PREFIX:{KIND:ID}:SUFFIX; an id may come
 * more than once.  Stops when the callback returns other than 0, and returns
 * that; -1, having said why, if Redis fails.
 */
typedef int (*cli_each_pt)(void *data, const char *id);

int cli_each(cli_t *cli, char kind, const char *suffix,
    cli_each_pt each, void *data);

/* the text of a reply's element, "" if it has none */
const char *cli_text(const redisReply *reply, size_t i);


/* --- cli_request.c: what nginx does for a request, done from here --- */

/* how long workers may be silent */
#define CLI_PATIENCE_MS  10000


/* listens for verdicts; NULL, having said why */
cli_requests_t *cli_requests_create(cli_t *cli);
void cli_requests_free(cli_requests_t *requests);

/* queues the declaration of a lease under a number; 0, or -1 with cli->why */
int cli_requests_lease(cli_requests_t *requests, uint64_t id,
    const char *property, const char *body, size_t len);

/*
 * Waits for the next verdict, which is valid until the next call: 0, or -1
 * having said that no worker answers, or why else there is none
 */
int cli_requests_wait(cli_requests_t *requests, ll_verdict_t *verdict);

/*
 * adds what a problem document says in one line: its faults, or its detail
 */
void cli_problem(buf_t *buf, const char *body, size_t len);


/* --- the commands --- */

int cli_token(cli_t *cli);
int cli_lease_put(cli_t *cli);
int cli_lease_load(cli_t *cli);
int cli_lease_show(cli_t *cli);
int cli_unread(cli_t *cli);
int cli_unread_rebuild(cli_t *cli);
int cli_dead_list(cli_t *cli);
int cli_dead_retry(cli_t *cli);
int cli_dead_drop(cli_t *cli);
int cli_doctor(cli_t *cli);


#endif /* CLI_H */
