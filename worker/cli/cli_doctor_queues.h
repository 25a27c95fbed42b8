
/* The checks of queues and dead letters. */


#ifndef CLI_DOCTOR_QUEUES_H
#define CLI_DOCTOR_QUEUES_H


#include "cli_doctor_workers.h"
#include "cli_report.h"


/* Checks all queues; "workers" says which of them are read. */
void cli_doctor_queues(cli_report_t *report,
    const cli_doctor_workers_t *workers);


#endif /* CLI_DOCTOR_QUEUES_H */
