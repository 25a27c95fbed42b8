
/* leaseloft search: finds messages of a thread. */


#ifndef CLI_SEARCH_H
#define CLI_SEARCH_H


#include "cli.h"


/* the command */
int cli_search(cli_t *cli);


#endif /* CLI_SEARCH_H */
