
/* The checks of workers and nginx processes. */


#ifndef CLI_DOCTOR_WORKERS_H
#define CLI_DOCTOR_WORKERS_H


#include "cli_report.h"


typedef struct {
    long long     n;               /* workers with all rights */
    uint64_t      queues;          /* that these read: bit k */
    const char   *refuses;         /* why Redis refuses all writes, or NULL */
    long          library;         /* the revision of the functions in Redis, 0
                                      if it is unknown */
} cli_doctor_workers_t;


/*
 * Checks the records of workers and nginx processes, and the clock.  Requires
 * the functions in Redis.  Sets "workers", whose "refuses" and "library" the
 * caller has set.
 */
void cli_doctor_workers(cli_report_t *report, cli_doctor_workers_t *workers);

/*
 * Reports the users whom Redis has refused in the last minute.  Returns 1 if
 * there are any.
 */
int cli_doctor_workers_refusals(cli_report_t *report);


#endif /* CLI_DOCTOR_WORKERS_H */
