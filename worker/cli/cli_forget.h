
/* leaseloft forget */


#ifndef CLI_FORGET_H
#define CLI_FORGET_H


#include "cli.h"


/* Runs the command and returns the exit status. */
int cli_forget(cli_t *cli);


#endif /* CLI_FORGET_H */
