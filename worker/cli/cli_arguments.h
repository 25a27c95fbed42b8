
/* The arguments, split into words and options. */


#ifndef CLI_ARGUMENTS_H
#define CLI_ARGUMENTS_H


#include "cli.h"


/* arrays of at least argc elements each, which the caller owns */

typedef struct {
    char                **words;
    int                   nwords;
    const cli_option_t  **options;
    const char          **values;  /* of the options; NULL for none */
    int                   noptions;
} cli_arguments_t;


/*
 * Splits argv: options are "--name value" or "--name=value", "--" ends them.
 * An option that no command has is an error.  Returns CLI_OK or CLI_USAGE.
 */
int cli_arguments_parse(cli_t *cli, cli_arguments_t *all, int argc,
    char **argv);

/*
 * Stores the options in cli->common and, if cli->command is set, in
 * cli->values; an option that the command does not have is an error.
 * Returns CLI_OK or CLI_USAGE.
 */
int cli_arguments_assign(cli_t *cli, const cli_arguments_t *all);


#endif /* CLI_ARGUMENTS_H */
