
/* The command "leaseloft doctor". */


#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H


#include "cli.h"


/* Runs the command and returns the exit status. */
int cli_doctor(cli_t *cli);


#endif /* CLI_DOCTOR_H */
