
/* leaseloft erase */


#ifndef CLI_ERASE_H
#define CLI_ERASE_H


#include "cli.h"


/* Runs the command and returns the exit status. */
int cli_erase(cli_t *cli);

/* Checks a reason: CLI_OK, or CLI_USAGE after an error message. */
int cli_erase_check_reason(const cli_t *cli, const char *reason);

/*
 * Erases a message of a property, both valid, logs the reason, and updates the
 * inboxes.  No reply may be outstanding.  Returns 0, also if it was erased
 * before, or -1 after an error message.
 */
int cli_erase_message(cli_t *cli, const char *property, uint64_t seq,
    const char *reason);


#endif /* CLI_ERASE_H */
