
/* The command "leaseloft dead drop". */


#ifndef CLI_DEAD_DROP_H
#define CLI_DEAD_DROP_H


#include "cli.h"


/* Runs the command and returns the exit status. */
int cli_dead_drop(cli_t *cli);


#endif /* CLI_DEAD_DROP_H */
