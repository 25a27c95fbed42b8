
/*
 * The arguments, and main().
 *
 * A command is one or two words ("doctor", "lease put").  Options stand
 * anywhere, before it too, as "--name value" or "--name=value"; "--" ends them.
 * So the arguments are taken apart first, and only then is an option known to
 * be the command's or not.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/id.h"
#include "common/keys.h"
#include "common/version.h"
#include "cli.h"
#include "descriptors.h"
#include "url.h"


/* the arguments, taken apart */

typedef struct {
    char                **words;
    int                   nwords;
    const cli_option_t  **options;
    const char          **values;  /* of the options */
    int                   noptions;
} cli_arguments_t;


/* --- help --- */

static void
cli_help_options(FILE *out, const cli_option_t *options, int n)
{
    int   i;
    char  name[32];

    for (i = 0; i < n && options[i].name; i++) {
        (void) snprintf(name, sizeof(name), "%s %s", options[i].name,
                        options[i].value ? options[i].value : "");
        (void) fprintf(out, "  %-16s  %s\n", name, options[i].help);
    }
}


/* whether the command's first word is that; all begin with an empty one */

static int
cli_begins(const cli_command_t *command, const char *word)
{
    size_t  len;

    len = strlen(word);

    return len == 0
           || (strncmp(command->name, word, len) == 0
               && (command->name[len] == '\0' || command->name[len] == ' '));
}


/* those whose first word is that, one a line: how many */

static int
cli_help_commands(FILE *out, const char *word)
{
    int                   n;
    const cli_command_t  *command;

    n = 0;

    for (command = cli_commands; command->name; command++) {
        if (cli_begins(command, word)) {
            (void) fprintf(out, "  %-16s  %s\n", command->name,
                           command->summary);
            n++;
        }
    }

    return n;
}


static void
cli_help(FILE *out)
{
    (void) fprintf(out, "Usage: leaseloft COMMAND [ARGUMENT ...] "
                   "[OPTION ...]\n\n");
    (void) cli_help_commands(out, "");
    (void) fprintf(out, "\nOptions of all commands:\n\n");
    cli_help_options(out, cli_common, CLI_COMMON);
    (void) fprintf(out, "\n\"leaseloft help COMMAND\" says more.  Exit status: "
                   "0 done, 1 failed, 2 usage.\n");
}


static void
cli_help_command(const cli_command_t *command)
{
    int                  i;
    const cli_option_t  *option;

    printf("Usage: leaseloft %s", command->name);

    for (i = 0; i < CLI_OPTIONS && command->options[i].name; i++) {
        option = &command->options[i];

        if (option->value == NULL) {
            printf(" [%s]", option->name);
            continue;
        }

        printf(option->needed ? " %s %s" : " [%s %s]", option->name,
               option->value);
    }

    printf("%s%s\n\n%s\n", command->arguments[0] ? " " : "",
           command->arguments, command->help);

    cli_help_options(stdout, command->options, CLI_OPTIONS);
    cli_help_options(stdout, cli_common, CLI_COMMON);
}


/* --- arguments --- */

/* the option among n of them that the len bytes at s name, or NULL */

static const cli_option_t *
cli_option(const cli_option_t *options, int n, const char *s, size_t len)
{
    int  i;

    for (i = 0; i < n && options[i].name; i++) {
        if (strlen(options[i].name) == len
            && memcmp(s, options[i].name, len) == 0)
        {
            return &options[i];
        }
    }

    return NULL;
}


/*
 * The option of that name: one of all commands, else of any.  Those of one
 * name take a value in each command, or in none.
 */

static const cli_option_t *
cli_any_option(const char *s, size_t len)
{
    const cli_option_t   *option;
    const cli_command_t  *command;

    option = cli_option(cli_common, CLI_COMMON, s, len);

    for (command = cli_commands; option == NULL && command->name; command++) {
        option = cli_option(command->options, CLI_OPTIONS, s, len);
    }

    return option;
}


/* takes the option at argv[*i], and its value: 0, or the exit status */

static int
cli_take(cli_t *cli, cli_arguments_t *all, int argc, char **argv, int *i)
{
    size_t               len;
    const char          *arg, *value;
    const cli_option_t  *option;

    arg = argv[*i];
    len = strcspn(arg, "=");
    value = arg[len] == '=' ? arg + len + 1 : NULL;
    option = cli_any_option(arg, len);

    if (option == NULL) {
        return cli_usage(cli, "no option \"%.*s\"", (int) len, arg);
    }

    if (option->value == NULL && value != NULL) {
        return cli_usage(cli, "option \"%s\" takes no value", option->name);
    }

    if (option->value != NULL && value == NULL) {
        if (*i + 1 == argc) {
            return cli_usage(cli, "option \"%s\" needs a value",
                             option->name);
        }

        value = argv[++*i];
    }

    all->options[all->noptions] = option;
    all->values[all->noptions++] = value;

    return CLI_OK;
}


static int
cli_split(cli_t *cli, cli_arguments_t *all, int argc, char **argv)
{
    int  i, rc, only_words;

    only_words = 0;

    for (i = 1; i < argc; i++) {
        if (only_words || argv[i][0] != '-' || argv[i][1] == '\0') {
            all->words[all->nwords++] = argv[i];

        } else if (strcmp(argv[i], "--") == 0) {
            only_words = 1;

        } else {
            rc = cli_take(cli, all, argc, argv, &i);
            if (rc != CLI_OK) {
                return rc;
            }
        }
    }

    return CLI_OK;
}


/* gives the options to the command: 0, or the exit status */

static int
cli_assign(cli_t *cli, const cli_arguments_t *all)
{
    int                  i;
    size_t               len;
    const char          *name;
    const cli_option_t  *own;

    for (i = 0; i < all->noptions; i++) {
        if (all->options[i] >= cli_common
            && all->options[i] < cli_common + CLI_COMMON)
        {
            cli->common[all->options[i] - cli_common] = all->values[i]
                                                        ? all->values[i] : "";
            continue;
        }

        if (cli->command == NULL) {
            continue;
        }

        name = all->options[i]->name;
        len = strlen(name);
        own = cli_option(cli->command->options, CLI_OPTIONS, name, len);

        if (own == NULL) {
            return cli_usage(cli, "\"%s\" has no option \"%s\"",
                             cli->command->name, name);
        }

        cli->values[own - cli->command->options] = all->values[i]
                                                   ? all->values[i] : "";
    }

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


/* where the data is, for a command that needs any: 0, or the exit status */

static int
cli_check_place(cli_t *cli)
{
    char        *end;
    long         n;
    url_t        url;
    const char  *why, *prefix, *queues;

    cli->redis = cli_env(cli->common[CLI_REDIS], "LEASELOFT_REDIS",
                         URL_DEFAULT);

    if (url_parse(cli->redis, &url, &why) != 0) {
        return cli_usage(cli, "the URL of Redis %s", why);
    }

    prefix = cli_env(cli->common[CLI_PREFIX], "LEASELOFT_PREFIX", LL_PREFIX);

    if (ll_keys_set_prefix(prefix, strlen(prefix)) != 0) {
        return cli_usage(cli, "the prefix must be 1 to %d of a-z 0-9 _ -",
                         LL_PREFIX_MAX);
    }

    queues = cli->common[CLI_QUEUES];

    if (queues) {
        n = strtol(queues, &end, 10);

        if (*end != '\0' || n < 1 || n > LL_QUEUES_MAX) {
            return cli_usage(cli, "--queues must be 1 to %d", LL_QUEUES_MAX);
        }

        cli->queues = (unsigned) n;
    }

    return CLI_OK;
}


/* what was given, once all of it was taken: 0, or the exit status */

static int
cli_check(cli_t *cli)
{
    int                   i, rc;
    const cli_option_t   *option;
    const cli_command_t  *command;

    command = cli->command;
    cli->json = cli->common[CLI_JSON] != NULL;

    rc = command->local ? CLI_OK : cli_check_place(cli);
    if (rc != CLI_OK) {
        return rc;
    }

    for (i = 0; i < CLI_OPTIONS && command->options[i].name; i++) {
        option = &command->options[i];

        if (option->needed && cli->values[i] == NULL) {
            return cli_usage(cli, "\"%s\" needs %s %s", command->name,
                             option->name, option->value);
        }
    }

    if (cli->nargs < command->min
        || (command->max >= 0 && cli->nargs > command->max))
    {
        return cli_usage(cli, "\"%s\" takes %s", command->name,
                         command->arguments[0] ? command->arguments
                                               : "no arguments");
    }

    return CLI_OK;
}


/* --- commands --- */

/*
 * The command that the first one or two words name, which are taken off; NULL
 * if there is none
 */

static const cli_command_t *
cli_find(cli_arguments_t *all)
{
    int                   n;
    char                  two[64];
    const cli_command_t  *command, *found;

    if (all->nwords == 0) {
        return NULL;
    }

    (void) snprintf(two, sizeof(two), "%s %s", all->words[0],
                    all->nwords > 1 ? all->words[1] : "");

    n = 0;
    found = NULL;

    for (command = cli_commands; n < 2 && command->name; command++) {
        if (strcmp(command->name, two) == 0) {
            found = command;
            n = 2;

        } else if (strcmp(command->name, all->words[0]) == 0) {
            found = command;
            n = 1;
        }
    }

    all->words += n;
    all->nwords -= n;

    return found;
}


/*
 * For words that name no command: those that begin so, or all.  Help that was
 * asked for is the result, else it goes with the fault.
 */

static int
cli_list(cli_t *cli, const cli_arguments_t *all, int asked)
{
    FILE        *out;
    const char  *word;

    out = asked ? stdout : stderr;
    word = all->nwords ? all->words[0] : "";

    if (all->nwords == 0) {
        cli_help(out);
        return asked ? CLI_OK : CLI_USAGE;
    }

    /* a word may be anything, such as a URL where no word was expected */

    if (!ll_id_valid(word, strlen(word))) {
        return cli_usage(cli, "no such command");
    }

    if (all->nwords == 1 && cli_help_commands(out, word)) {
        return asked ? CLI_OK : CLI_USAGE;
    }

    if (all->nwords > 1 && cli_help_commands(stderr, word)
        && ll_id_valid(all->words[1], strlen(all->words[1])))
    {
        return cli_usage(cli, "no command \"%s %s\"", word, all->words[1]);
    }

    return cli_usage(cli, "no command \"%s\"", word);
}


static int
cli_run(cli_t *cli, cli_arguments_t *all)
{
    int  rc, help;

    help = all->nwords && strcmp(all->words[0], "help") == 0;

    all->words += help;
    all->nwords -= help;

    cli->command = cli_find(all);
    rc = cli_assign(cli, all);

    if (rc != CLI_OK) {
        return rc;
    }

    if (cli->common[CLI_VERSION]) {
        printf("leaseloft %s\n", LEASELOFT_VERSION);
        return CLI_OK;
    }

    help = help || cli->common[CLI_HELP];

    if (cli->command == NULL) {
        return cli_list(cli, all, help);
    }

    if (help) {
        cli_help_command(cli->command);
        return CLI_OK;
    }

    cli->args = all->words;
    cli->nargs = all->nwords;

    rc = cli_check(cli);

    return rc == CLI_OK ? cli->command->run(cli) : rc;
}


int
main(int argc, char **argv)
{
    int               rc;
    char            **words;
    cli_t             cli;
    cli_arguments_t   all;

    if (descriptors_open() == -1) {
        return CLI_FAILED;
    }

    /* a peer that hangs up is an error of write(), here and below */
    (void) signal(SIGPIPE, SIG_IGN);

    memset(&cli, 0, sizeof(cli_t));
    memset(&all, 0, sizeof(cli_arguments_t));

    cli.queues = 1;
    words = all.words = calloc((size_t) argc + 1, sizeof(char *));
    all.options = calloc((size_t) argc + 1, sizeof(cli_option_t *));
    all.values = calloc((size_t) argc + 1, sizeof(char *));

    if (words == NULL || all.options == NULL || all.values == NULL) {
        rc = cli_fail("out of memory");

    } else {
        rc = cli_split(&cli, &all, argc, argv);
        rc = rc == CLI_OK ? cli_run(&cli, &all) : rc;
    }

    conn_free(cli.conn);
    free(words);
    free(all.options);
    free(all.values);

    /* a full disk or a closed pipe must not pass for success */

    if (fflush(stdout) != 0 || ferror(stdout)) {
        return cli_fail("cannot write: %s", strerror(errno));
    }

    return rc;
}
