
/* leaseloft erase */


#ifndef CLI_ERASE_H
#define CLI_ERASE_H


#include "cli.h"


/* Erases a message.  Returns the exit status. */
int cli_erase(cli_t *cli);


#endif /* CLI_ERASE_H */
