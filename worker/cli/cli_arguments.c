
/*
 * Splits the arguments into words and options.
 *
 * Options may stand anywhere, also before the command, so the arguments are
 * split first; only then is it known which options the command has.
 */

#include <stdlib.h>
#include <string.h>

#include "cli_arguments.h"
#include "cli_commands.h"


/* the option that the len bytes at s name, or NULL */
static const cli_option_t *
cli_arguments_option(const cli_option_t *options, int n, const char *s,
    size_t len)
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
 * The common option of that name, or else one of any command.  Options of the
 * same name take a value in all commands or in none.
 */
static const cli_option_t *
cli_arguments_find_option(const char *s, size_t len)
{
    const cli_option_t   *option;
    const cli_command_t  *command;

    option = cli_arguments_option(cli_common, CLI_COMMON, s, len);

    for (command = cli_commands; option == NULL && command->name; command++) {
        option = cli_arguments_option(command->options, CLI_OPTIONS, s, len);
    }

    return option;
}


/* adds the option at argv[*i] and its value */
static int
cli_arguments_take(cli_t *cli, cli_arguments_t *all, int argc, char **argv,
    int *i)
{
    size_t               len;
    const char          *arg, *value;
    const cli_option_t  *option;

    arg = argv[*i];
    len = strcspn(arg, "=");
    value = arg[len] == '=' ? arg + len + 1 : NULL;
    option = cli_arguments_find_option(arg, len);

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


int
cli_arguments_parse(cli_t *cli, cli_arguments_t *all, int argc, char **argv)
{
    int  i, rc, only_words;

    only_words = 0;

    for (i = 1; i < argc; i++) {
        if (only_words || argv[i][0] != '-' || argv[i][1] == '\0') {
            all->words[all->nwords++] = argv[i];

        } else if (strcmp(argv[i], "--") == 0) {
            only_words = 1;

        } else {
            rc = cli_arguments_take(cli, all, argc, argv, &i);
            if (rc != CLI_OK) {
                return rc;
            }
        }
    }

    return CLI_OK;
}


int
cli_arguments_assign(cli_t *cli, const cli_arguments_t *all)
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
        own = cli_arguments_option(cli->command->options, CLI_OPTIONS, name,
                                   len);

        if (own == NULL) {
            return cli_usage(cli, "\"%s\" has no option \"%s\"",
                             cli->command->name, name);
        }

        cli->values[own - cli->command->options] = all->values[i]
                                                   ? all->values[i] : "";
    }

    return CLI_OK;
}
