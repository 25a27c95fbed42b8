
/* The checks of Redis. */


#ifndef CLI_DOCTOR_REDIS_H
#define CLI_DOCTOR_REDIS_H


#include "cli_report.h"


/*
 * Checks version, role, persistence, memory, buffers and clients; info is the
 * reply to INFO.
 */
void cli_doctor_redis(cli_report_t *report, const char *info);

/*
 * Returns why Redis refuses all writes, and so the heartbeats of workers, as a
 * clause; NULL if it does not, as far as info and the settings tell.
 */
const char *cli_doctor_redis_refuses(cli_report_t *report, const char *info);


#endif /* CLI_DOCTOR_REDIS_H */
