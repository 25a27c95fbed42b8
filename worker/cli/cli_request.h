
/* Requests to the workers, as nginx makes them. */


#ifndef CLI_REQUEST_H
#define CLI_REQUEST_H


#include "cli.h"


/* how long to wait for a verdict */
#define CLI_REQUEST_TIMEOUT_MS  10000


typedef struct cli_request_s  cli_request_t;


/*
 * Connects cli->conn and subscribes to a reply channel.  Returns NULL after an
 * error message.
 */
cli_request_t *cli_request_create(cli_t *cli);
void cli_request_free(cli_request_t *requests);

/*
 * Queues the declaration of a lease as request "id".  Returns 0, or -1 with
 * the reason in cli->why.
 */
int cli_request_lease(cli_request_t *requests, uint64_t id,
    const char *property, const char *body, size_t len);

/*
 * Waits for the next verdict, which is valid until the next call.  Returns 0,
 * or -1 after an error message if there is none.
 */
int cli_request_wait(cli_request_t *requests, ll_verdict_t *verdict);

/*
 * Appends a problem document (RFC 9457) as one line: its "errors", or else its
 * "detail".
 */
void cli_request_problem(buf_t *buf, const char *body, size_t len);


#endif /* CLI_REQUEST_H */
