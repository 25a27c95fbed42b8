
/* The command "leaseloft unread rebuild". */


#ifndef CLI_UNREAD_REBUILD_H
#define CLI_UNREAD_REBUILD_H


#include "cli.h"


/* Runs the command and returns the exit status. */
int cli_unread_rebuild(cli_t *cli);


#endif /* CLI_UNREAD_REBUILD_H */
