
/* The due time of a property, as it follows from its leases. */


#ifndef CLI_DUE_H
#define CLI_DUE_H


#include "cli_redis.h"


/*
 * Sets the due time of a property if it is missing, or of a version of the
 * leases that the property has lost, as after a restore of copies of different
 * moments.  Returns 1 if it was set, 0 if it was right, or -1 with cli->why.
 */
int cli_due_repair(cli_t *cli, args_t *args, const char *property);


#endif /* CLI_DUE_H */
