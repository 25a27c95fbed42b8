
/* leaseloft revoke */


#ifndef CLI_REVOKE_H
#define CLI_REVOKE_H


#include "cli.h"


/* Runs the command; the exit status. */
int cli_revoke(cli_t *cli);


#endif /* CLI_REVOKE_H */
