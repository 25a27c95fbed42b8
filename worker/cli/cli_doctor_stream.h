
/* The check of an event stream, through whatever is in front of nginx. */


#ifndef CLI_DOCTOR_STREAM_H
#define CLI_DOCTOR_STREAM_H


#include "cli_report.h"


/* options of the command: indexes of cli->values */

typedef enum {
    CLI_DOCTOR_URL = 0,            /* of the site; without it, no check */
    CLI_DOCTOR_TOKEN,              /* a file with a token */
    CLI_DOCTOR_CA,                 /* of the site's certificate; NULL: those of
                                      the system */
    CLI_DOCTOR_REDIS_DIR           /* of Redis's files */
} cli_doctor_option_e;


/*
 * Opens a stream at the URL, as a browser does, and reports what arrives when:
 * at most five seconds for the first event, and twenty for the next.
 */
void cli_doctor_stream(cli_report_t *report);


#endif /* CLI_DOCTOR_STREAM_H */
