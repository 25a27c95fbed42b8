
/* The tables of commands and options, for the arguments and the help. */


#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H


#include "cli.h"


/* ends with a NULL name */
extern const cli_command_t  cli_commands[];

/* indexed by cli_common_e; ends with a NULL name */
extern const cli_option_t   cli_common[];


#endif /* CLI_COMMANDS_H */
