
/* leaseloft backup */


#ifndef CLI_BACKUP_H
#define CLI_BACKUP_H


#include "cli.h"


/* Copies Redis's append-only files and verifies them; the exit status. */
int cli_backup(cli_t *cli);


#endif /* CLI_BACKUP_H */
