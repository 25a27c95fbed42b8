
/* The help texts. */


#ifndef CLI_HELP_H
#define CLI_HELP_H


#include <stdio.h>

#include "cli.h"


/* Prints the general help: all commands and the common options. */
void cli_help(FILE *out);

/*
 * Prints a line for each command whose first word is "word", or for all
 * commands if it is empty.  Returns the number of lines.
 */
int cli_help_commands(FILE *out, const char *word);

/* Prints the help of a command to standard output. */
void cli_help_command(const cli_command_t *command);


#endif /* CLI_HELP_H */
