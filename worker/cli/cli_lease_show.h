
/* The command "leaseloft lease show". */


#ifndef CLI_LEASE_SHOW_H
#define CLI_LEASE_SHOW_H


#include "cli.h"


/* Runs the command and returns the exit status. */
int cli_lease_show(cli_t *cli);


#endif /* CLI_LEASE_SHOW_H */
