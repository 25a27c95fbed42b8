
/* Prints the help texts of the tables in cli_commands.c. */

#include <string.h>

#include "cli_commands.h"
#include "cli_help.h"


static void
cli_help_options(FILE *out, const cli_option_t *options, int n)
{
    int   i;
    char  name[32];

    for (i = 0; i < n && options[i].name; i++) {
        (void) snprintf(name, sizeof(name), "%s %s", options[i].name,
                        options[i].value ? options[i].value : "");
        (void) fprintf(out, "  %-16s%s%s\n", name,
                       strlen(name) > 16 ? "\n                    " : "  ",
                       options[i].help);
    }
}


/* whether the command's first word is "word", or that is empty */
static int
cli_help_matches(const cli_command_t *command, const char *word)
{
    size_t  len;

    len = strlen(word);

    return len == 0
           || (strncmp(command->name, word, len) == 0
               && (command->name[len] == '\0' || command->name[len] == ' '));
}


int
cli_help_commands(FILE *out, const char *word)
{
    int                   n;
    const cli_command_t  *command;

    n = 0;

    for (command = cli_commands; command->name; command++) {
        if (cli_help_matches(command, word)) {
            (void) fprintf(out, "  %-16s  %s\n", command->name,
                           command->summary);
            n++;
        }
    }

    return n;
}


void
cli_help(FILE *out)
{
    (void) fprintf(out, "Usage: leaseloft COMMAND [ARGUMENT ...] "
                   "[OPTION ...]\n\n");
    (void) cli_help_commands(out, "");
    (void) fprintf(out, "\nOptions of all commands:\n\n");
    cli_help_options(out, cli_common, CLI_COMMON);
    (void) fprintf(out, "\nRun \"leaseloft help COMMAND\" for the help of a "
                   "command.\n"
                   "Exit status: 0 success, 1 failure, 2 usage.\n");
}


void
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
