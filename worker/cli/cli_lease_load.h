
/* The command "leaseloft lease load". */


#ifndef CLI_LEASE_LOAD_H
#define CLI_LEASE_LOAD_H


#include "cli.h"


/* Runs the command and returns the exit status. */
int cli_lease_load(cli_t *cli);


#endif /* CLI_LEASE_LOAD_H */
