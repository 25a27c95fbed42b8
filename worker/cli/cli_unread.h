
/* The command "leaseloft unread". */


#ifndef CLI_UNREAD_H
#define CLI_UNREAD_H


#include "cli.h"


/* Runs the command and returns the exit status. */
int cli_unread(cli_t *cli);


#endif /* CLI_UNREAD_H */
