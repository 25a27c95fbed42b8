
/*
 * The commands, what their arguments are, and main().
 *
 * A command is one or two words ("doctor", "lease put").  Options stand
 * anywhere after them, as "--name value" or "--name=value"; "--" ends them.
 */

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/id.h"
#include "common/keys.h"
#include "cli.h"
#include "url.h"


#define CLI_NO_OPTIONS   { { NULL, NULL, NULL, 0 } }


static const cli_command_t  cli_commands[] = {

    { "token", "", 0, 0,
      "print a token for a user",
      "Prints a JSON web token (HS256) that nginx accepts as a user's.  The\n"
      "secret is what the file holds, less a final newline: the same file as\n"
      "in the directive leaseloft_key.\n",
      { { "--sub", "USER", "whose token it is", 1 },
        { "--ttl", "SECONDS", "how long it is valid", 1 },
        { "--key", "FILE", "file with the secret", 1 },
        { "--name", "NAME", "a name to show, as the claim \"name\"", 0 } },
      cli_token },

    { "lease put", "PROPERTY FILE", 2, 2,
      "declare the lease of a property",
      "FILE holds the declaration, a JSON object as in PUT\n"
      "/internal/properties/P/lease; \"-\" is standard input.  Doing it twice\n"
      "changes nothing.  Waits for a worker to say what became of it.\n",
      CLI_NO_OPTIONS, cli_lease_put },

    { "lease load", "FILE", 1, 1,
      "declare many leases",
      "FILE has one JSON object a line: a declaration and, with it,\n"
      "\"property\"; \"-\" is standard input.  A line that fails is named on\n"
      "standard error, and the rest goes on; the exit status is 1 then.\n",
      CLI_NO_OPTIONS, cli_lease_load },

    { "lease show", "PROPERTY", 1, 1,
      "print the leases of a property",
      "The active, the pending and the ended ones, as they were declared.\n",
      CLI_NO_OPTIONS, cli_lease_show },

    { "unread rebuild", "", 0, 0,
      "count everything unread anew",
      "Recomputes the unread counts, inboxes and totals of all users from the\n"
      "threads.  Safe at any time, with workers running or not; it changes\n"
      "nothing but what is wrong.\n",
      CLI_NO_OPTIONS, cli_unread_rebuild },

    { "unread", "USER", 1, 1,
      "print a user's unread counts",
      "One line a thread, newest first, and the total.\n",
      CLI_NO_OPTIONS, cli_unread },

    { "dead list", "", 0, 0,
      "print the requests that workers gave up",
      "Each with its id, what it was and why it was given up.\n",
      CLI_NO_OPTIONS, cli_dead_list },

    { "dead retry", "[ID ...]", 0, -1,
      "queue them once more",
      "Those with the given ids, or all of them.  Harmless if they had been\n"
      "carried out after all.\n",
      CLI_NO_OPTIONS, cli_dead_retry },

    { "doctor", "", 0, 0,
      "check Redis and the workers, say what to change",
      "Checks version, persistence, eviction, limits, functions, workers, the\n"
      "queues' lag and dead letters.  The exit status is 1 if something must\n"
      "be changed.\n",
      CLI_NO_OPTIONS, cli_doctor },

    { NULL, NULL, 0, 0, NULL, NULL, CLI_NO_OPTIONS, NULL }
};


static const char  cli_common_help[] =
    "  --redis URL       unix:PATH or redis://[user:password@]host[:port];\n"
    "                    else LEASELOFT_REDIS, else " URL_DEFAULT "\n"
    "  --prefix NAME     of all keys and channels, as nginx is told; else\n"
    "                    LEASELOFT_PREFIX, else " LL_PREFIX "\n"
    "  --queues N        how many queues of requests there are (1)\n"
    "  --json            print JSON\n"
    "  --help            print help\n";


static void
cli_vsay(const char *fmt, va_list args)
{
    (void) fprintf(stderr, "leaseloft: ");
    (void) vfprintf(stderr, fmt, args);
    (void) fprintf(stderr, "\n");
}


int
cli_fail(const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    cli_vsay(fmt, args);
    va_end(args);

    return CLI_FAILED;
}


int
cli_usage(const cli_t *cli, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    cli_vsay(fmt, args);
    va_end(args);

    (void) fprintf(stderr, "try \"leaseloft %s%s--help\"\n",
                   cli->command ? cli->command->name : "",
                   cli->command ? " " : "");

    return CLI_USAGE;
}


int
cli_check_id(const cli_t *cli, const char *what, const char *id)
{
    if (!ll_id_valid(id, strlen(id))) {
        return cli_usage(cli, "%s must be 1 to %d of A-Z a-z 0-9 _ -", what,
                         LL_ID_MAX);
    }

    return CLI_OK;
}


int
cli_print(const buf_t *buf)
{
    if (buf_failed(buf)) {
        return cli_fail("out of memory");
    }

    (void) fwrite(buf->data, 1, buf->len, stdout);
    (void) putchar('\n');

    return CLI_OK;
}


int
cli_read_file(const char *path, size_t max, buf_t *buf)
{
    int      rc;
    char     block[4096];
    FILE    *file;
    size_t   n;

    file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");

    if (file == NULL) {
        (void) cli_fail("cannot open \"%s\": %s", path, strerror(errno));
        return -1;
    }

    do {
        n = fread(block, 1, sizeof(block), file);
        buf_add(buf, block, n);
    } while (n && buf->len <= max);

    rc = 0;

    if (ferror(file)) {
        (void) cli_fail("cannot read \"%s\": %s", path, strerror(errno));
        rc = -1;

    } else if (buf->len > max) {
        (void) cli_fail("\"%s\" has over %zu bytes", path, max);
        rc = -1;

    } else if (buf_failed(buf)) {
        (void) cli_fail("out of memory");
        rc = -1;
    }

    if (file != stdin) {
        (void) fclose(file);
    }

    return rc;
}


static void
cli_help(void)
{
    const cli_command_t  *command;

    printf("Usage: leaseloft COMMAND [ARGUMENT ...] [OPTION ...]\n\n");

    for (command = cli_commands; command->name; command++) {
        printf("  %-16s  %s\n", command->name, command->summary);
    }

    printf("\nOptions of all commands:\n\n%s\n"
           "\"leaseloft COMMAND --help\" says more.  Exit status: 0 done, "
           "1 failed, 2 usage.\n", cli_common_help);
}


static void
cli_command_help(const cli_command_t *command)
{
    int                  i;
    char                 name[32];
    const cli_option_t  *option;

    printf("Usage: leaseloft %s", command->name);

    for (i = 0; i < CLI_OPTIONS && command->options[i].name; i++) {
        option = &command->options[i];
        printf(option->needed ? " %s %s" : " [%s %s]", option->name,
               option->value);
    }

    printf("%s%s\n\n%s\n", command->arguments[0] ? " " : "",
           command->arguments, command->help);

    for (i = 0; i < CLI_OPTIONS && command->options[i].name; i++) {
        option = &command->options[i];
        (void) snprintf(name, sizeof(name), "%s %s", option->name,
                        option->value);
        printf("  %-16s  %s\n", name, option->help);
    }

    printf("%s", cli_common_help);
}


/*
 * The command that the first one or two words name; *words is set to their
 * number.  NULL if there is none.
 */

static const cli_command_t *
cli_find(int argc, char **argv, int *words)
{
    char                  two[64];
    const cli_command_t  *command;

    if (argc < 2) {
        return NULL;
    }

    (void) snprintf(two, sizeof(two), "%s %s", argv[1],
                    argc > 2 ? argv[2] : "");

    for (command = cli_commands; command->name; command++) {
        if (strcmp(command->name, two) == 0) {
            *words = 2;
            return command;
        }

        if (strcmp(command->name, argv[1]) == 0) {
            *words = 1;
            return command;
        }
    }

    return NULL;
}


/* where the value of the option goes that the len bytes at s name, or NULL */

static const char **
cli_option(cli_t *cli, const char *s, size_t len, const char **queues)
{
    int                  i;
    const cli_option_t  *option;

    if (len == 7 && memcmp(s, "--redis", 7) == 0) {
        return &cli->redis;
    }

    if (len == 8 && memcmp(s, "--prefix", 8) == 0) {
        return &cli->prefix;
    }

    if (len == 8 && memcmp(s, "--queues", 8) == 0) {
        return queues;
    }

    for (i = 0; i < CLI_OPTIONS && cli->command->options[i].name; i++) {
        option = &cli->command->options[i];

        if (strlen(option->name) == len && memcmp(s, option->name, len) == 0) {
            return &cli->values[i];
        }
    }

    return NULL;
}


/*
 * Takes the option at argv[*i], and its value: 0, or the exit status; -1 for
 * a request for help
 */

static int
cli_take(cli_t *cli, int argc, char **argv, int *i, const char **queues)
{
    size_t       len;
    const char  *arg, **value;

    arg = argv[*i];

    if (strcmp(arg, "--json") == 0) {
        cli->json = 1;
        return CLI_OK;
    }

    if (strcmp(arg, "--help") == 0) {
        return -1;
    }

    len = strcspn(arg, "=");
    value = cli_option(cli, arg, len, queues);

    if (value == NULL) {
        return cli_usage(cli, "\"%s\" has no option \"%.*s\"",
                         cli->command->name, (int) len, arg);
    }

    if (arg[len] == '=') {
        *value = arg + len + 1;
        return CLI_OK;
    }

    if (*i + 1 == argc) {
        return cli_usage(cli, "option \"%s\" needs a value", arg);
    }

    *value = argv[++*i];

    return CLI_OK;
}


/* what an option says, else the environment, if it is not empty there */

static const char *
cli_env(const char *value, const char *name, const char *otherwise)
{
    if (value == NULL) {
        value = getenv(name);
        value = value && value[0] ? value : otherwise;
    }

    return value;
}


/* what was given, once all of it was taken: 0, or the exit status */

static int
cli_check(cli_t *cli, const char *queues)
{
    int                  i;
    char                *end;
    long                 n;
    url_t                url;
    const char          *why;
    const cli_option_t  *option;

    cli->redis = cli_env(cli->redis, "LEASELOFT_REDIS", URL_DEFAULT);
    cli->prefix = cli_env(cli->prefix, "LEASELOFT_PREFIX", LL_PREFIX);

    if (url_parse(cli->redis, &url, &why) != 0) {
        return cli_usage(cli, "the URL of Redis %s", why);
    }

    if (ll_keys_set_prefix(cli->prefix, strlen(cli->prefix)) != 0) {
        return cli_usage(cli, "the prefix must be 1 to %d of a-z 0-9 _ -",
                         LL_PREFIX_MAX);
    }

    if (queues) {
        n = strtol(queues, &end, 10);

        if (*end != '\0' || n < 1 || n > LL_QUEUES_MAX) {
            return cli_usage(cli, "--queues must be 1 to %d", LL_QUEUES_MAX);
        }

        cli->queues = (unsigned) n;
    }

    for (i = 0; i < CLI_OPTIONS && cli->command->options[i].name; i++) {
        option = &cli->command->options[i];

        if (option->needed && cli->values[i] == NULL) {
            return cli_usage(cli, "\"%s\" needs %s %s", cli->command->name,
                             option->name, option->value);
        }
    }

    if (cli->nargs < cli->command->min
        || (cli->command->max >= 0 && cli->nargs > cli->command->max))
    {
        return cli_usage(cli, "\"%s\" takes %s", cli->command->name,
                         cli->command->arguments[0]
                         ? cli->command->arguments : "no arguments");
    }

    return CLI_OK;
}


/* 0, or the exit status; -1 for a request for help */

static int
cli_parse(cli_t *cli, int argc, char **argv)
{
    int          i, rc, only_args;
    const char  *queues;

    queues = NULL;
    only_args = 0;

    for (i = 0; i < argc; i++) {
        if (only_args || argv[i][0] != '-' || argv[i][1] == '\0') {
            cli->args[cli->nargs++] = argv[i];

        } else if (strcmp(argv[i], "--") == 0) {
            only_args = 1;

        } else {
            rc = cli_take(cli, argc, argv, &i, &queues);
            if (rc != CLI_OK) {
                return rc;
            }
        }
    }

    return cli_check(cli, queues);
}


static int
cli_run(cli_t *cli, int argc, char **argv)
{
    int  rc, words;

    words = 0;
    cli->command = cli_find(argc, argv, &words);

    if (cli->command == NULL) {
        if (argc > 1 && strcmp(argv[1], "--help") == 0) {
            cli_help();
            return CLI_OK;
        }

        return argc > 1 ? cli_usage(cli, "no command \"%s%s%s\"", argv[1],
                                    argc > 2 ? " " : "",
                                    argc > 2 ? argv[2] : "")
                        : cli_usage(cli, "which command?");
    }

    rc = cli_parse(cli, argc - 1 - words, argv + 1 + words);

    if (rc == -1) {
        cli_command_help(cli->command);
        return CLI_OK;
    }

    return rc == CLI_OK ? cli->command->run(cli) : rc;
}


int
main(int argc, char **argv)
{
    int    rc;
    cli_t  cli;

    /* a peer that hangs up is an error of write(), here and below */
    (void) signal(SIGPIPE, SIG_IGN);

    memset(&cli, 0, sizeof(cli_t));

    cli.queues = 1;
    cli.args = calloc((size_t) argc + 1, sizeof(char *));

    rc = cli.args ? cli_run(&cli, argc, argv) : cli_fail("out of memory");

    conn_free(cli.conn);
    free(cli.args);

    /* a full disk or a closed pipe must not pass for success */

    if (fflush(stdout) != 0 || ferror(stdout)) {
        return cli_fail("cannot write: %s", strerror(errno));
    }

    return rc;
}
