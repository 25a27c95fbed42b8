
/* The command "leaseloft dead retry". */


#ifndef CLI_DEAD_RETRY_H
#define CLI_DEAD_RETRY_H


#include "cli.h"


/* Runs the command and returns the exit status. */
int cli_dead_retry(cli_t *cli);


#endif /* CLI_DEAD_RETRY_H */
