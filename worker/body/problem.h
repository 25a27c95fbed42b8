
/*
 * The problem documents (RFC 9457) of verdicts: type, title, status, detail,
 * and errors if the body is invalid.
 */


#ifndef PROBLEM_H
#define PROBLEM_H


#include "buf.h"
#include "fault.h"


typedef enum {
    PROBLEM_NOT_FOUND = 0,         /* 404 */
    PROBLEM_LEASE_NOT_ACTIVE,      /* 409, and the next three */
    PROBLEM_CLIENT_ID_REUSED,
    PROBLEM_LEASE_CONFLICT,
    PROBLEM_LEASE_ENDED,
    PROBLEM_INVALID_BODY,          /* 422 */
    PROBLEM_INTERNAL               /* 500 */
} problem_e;


/* Returns the HTTP status of the problem. */
unsigned problem_status(problem_e problem);

/*
 * Appends the document.  detail may be NULL for the default text; faults is
 * NULL except for PROBLEM_INVALID_BODY.
 */
void problem_write(buf_t *buf, problem_e problem, const char *detail,
    const faults_t *faults);


#endif /* PROBLEM_H */
