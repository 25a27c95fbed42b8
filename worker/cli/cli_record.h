
/* leaseloft record */


#ifndef CLI_RECORD_H
#define CLI_RECORD_H


#include "cli.h"


/* Prints the record of a thread.  Returns the exit status. */
int cli_record(cli_t *cli);


#endif /* CLI_RECORD_H */
