
/* The checks of Redis. */


#ifndef CLI_DOCTOR_REDIS_H
#define CLI_DOCTOR_REDIS_H


#include "cli_report.h"


/*
 * Checks version, role, persistence, memory, buffers and clients; info is the
 * reply to INFO.
 */
void cli_doctor_redis(cli_report_t *report, const char *info);


#endif /* CLI_DOCTOR_REDIS_H */
