
/* leaseloft verify */


#ifndef CLI_VERIFY_H
#define CLI_VERIFY_H


#include "cli.h"


/* Verifies a record from a file, without Redis.  Returns the exit status. */
int cli_verify(cli_t *cli);


#endif /* CLI_VERIFY_H */
