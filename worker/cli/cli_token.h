
/* The command "leaseloft token". */


#ifndef CLI_TOKEN_H
#define CLI_TOKEN_H


#include "cli.h"


/* Runs the command and returns the exit status. */
int cli_token(cli_t *cli);


#endif /* CLI_TOKEN_H */
