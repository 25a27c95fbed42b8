
/*
 * main() of the command line: finds the command that the words name, checks
 * the options and runs it.
 *
 * A command has one or two words ("doctor", "lease put").
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/id.h"
#include "common/keys.h"
#include "common/version.h"
#include "cli_arguments.h"
#include "cli_commands.h"
#include "cli_help.h"
#include "descriptors.h"


/* the option, or else the environment variable if it is not empty */
static const char *
cli_main_env(const char *value, const char *name, const char *otherwise)
{
    if (value == NULL) {
        value = getenv(name);
        value = value && value[0] ? value : otherwise;
    }

    return value;
}


/* sets Redis's URL, the prefix and the number of queues */
static int
cli_main_check_redis(cli_t *cli)
{
    char        *end;
    long         n;
    const char  *prefix, *queues;

    memcpy(cli->redis.settings, &cli->common[CLI_REDIS],
           sizeof(cli->redis.settings));

    if (server_init(&cli->redis) == -1) {
        return cli_usage(cli, "%s", cli->redis.fault);
    }

    ll_keys_set_cluster(cli->redis.url.kind == LL_REDIS_URL_CLUSTER);

    prefix = cli_main_env(cli->common[CLI_PREFIX], "LEASELOFT_PREFIX",
                          LL_PREFIX);

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


/* checks the options and the number of arguments */
static int
cli_main_check(cli_t *cli)
{
    int                   i, rc;
    const cli_option_t   *option;
    const cli_command_t  *command;

    command = cli->command;
    cli->json = cli->common[CLI_JSON] != NULL;

    rc = command->local ? CLI_OK : cli_main_check_redis(cli);
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


/*
 * Removes the one or two words that name a command, and returns it; NULL if
 * there is none.
 */
static const cli_command_t *
cli_main_find(cli_arguments_t *all)
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
 * Without a command: lists the commands that begin with the first word, or all
 * of them, as the result if help was requested and else as an error.
 */
static int
cli_main_list(cli_t *cli, const cli_arguments_t *all, int requested)
{
    FILE        *out;
    const char  *word;

    out = requested ? stdout : stderr;
    word = all->nwords ? all->words[0] : "";

    if (all->nwords == 0) {
        cli_help(out);
        return requested ? CLI_OK : CLI_USAGE;
    }

    /* do not print a word that may be a misplaced URL with a password */

    if (!ll_id_valid(word, strlen(word))) {
        return cli_usage(cli, "no such command");
    }

    if (all->nwords == 1 && cli_help_commands(out, word)) {
        return requested ? CLI_OK : CLI_USAGE;
    }

    if (all->nwords > 1 && cli_help_commands(stderr, word)
        && ll_id_valid(all->words[1], strlen(all->words[1])))
    {
        return cli_usage(cli, "no command \"%s %s\"", word, all->words[1]);
    }

    return cli_usage(cli, "no command \"%s\"", word);
}


static int
cli_main_run(cli_t *cli, cli_arguments_t *all)
{
    int  rc, help;

    help = all->nwords && strcmp(all->words[0], "help") == 0;

    all->words += help;
    all->nwords -= help;

    cli->command = cli_main_find(all);
    rc = cli_arguments_assign(cli, all);

    if (rc != CLI_OK) {
        return rc;
    }

    if (cli->common[CLI_VERSION]) {
        printf("leaseloft %s\n", LEASELOFT_VERSION);
        return CLI_OK;
    }

    help = help || cli->common[CLI_HELP];

    if (cli->command == NULL) {
        return cli_main_list(cli, all, help);
    }

    if (help) {
        cli_help_command(cli->command);
        return CLI_OK;
    }

    cli->args = all->words;
    cli->nargs = all->nwords;

    rc = cli_main_check(cli);

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

    /* a closed connection is an error of write() */
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
        rc = cli_arguments_parse(&cli, &all, argc, argv);
        rc = rc == CLI_OK ? cli_main_run(&cli, &all) : rc;
    }

    /* those of a cluster are its own */

    if (cli.cluster == NULL) {
        conn_free(cli.conn);
    }

    cluster_free(cli.cluster);
    free(words);
    free(all.options);
    free(all.values);

    /* a full disk or a closed pipe is a failure */

    if (fflush(stdout) != 0 || ferror(stdout)) {
        return cli_fail("cannot write: %s", strerror(errno));
    }

    return rc;
}
