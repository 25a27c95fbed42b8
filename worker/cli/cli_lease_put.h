
/* The command "leaseloft lease put". */


#ifndef CLI_LEASE_PUT_H
#define CLI_LEASE_PUT_H


#include "cli.h"


/* Runs the command and returns the exit status. */
int cli_lease_put(cli_t *cli);


#endif /* CLI_LEASE_PUT_H */
