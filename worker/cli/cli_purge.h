
/* leaseloft purge */


#ifndef CLI_PURGE_H
#define CLI_PURGE_H


#include "cli.h"


/* Runs the command and returns the exit status. */
int cli_purge(cli_t *cli);


#endif /* CLI_PURGE_H */
