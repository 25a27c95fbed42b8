
/* The checks of a sample of threads and inboxes. */


#ifndef CLI_DOCTOR_SAMPLE_H
#define CLI_DOCTOR_SAMPLE_H


#include "cli_report.h"


/*
 * Verifies the chain of the newest entries of some random properties, their
 * counters, and the totals of their members.  Changes nothing.
 */
void cli_doctor_sample(cli_report_t *report);


#endif /* CLI_DOCTOR_SAMPLE_H */
