
/* The checks of the machine of Redis: memory, disk, overcommit. */


#ifndef CLI_DOCTOR_MACHINE_H
#define CLI_DOCTOR_MACHINE_H


#include "cli_report.h"


/*
 * Checks "maxmemory" against the memory of the machine, which INFO has; and
 * disk and overcommit if the URL of Redis is of this machine.
 */
void cli_doctor_machine(cli_report_t *report, const char *info);

/*
 * Checks the disk when Redis cannot be reached, if its URL is of this machine,
 * as a full one stops it.  dir has its files; NULL: as the shipped unit has.
 */
void cli_doctor_machine_down(cli_report_t *report, const char *dir);


#endif /* CLI_DOCTOR_MACHINE_H */
