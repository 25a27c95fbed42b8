
/*
 * Counts the messages of a property's members from its entries, for "unread
 * rebuild".
 */


#ifndef CLI_UNREAD_COUNT_H
#define CLI_UNREAD_COUNT_H


#include "cli.h"


/*
 * Counts again what meta has of the messages of all members, and sets what is
 * wrong.  Messages and read marks may be written meanwhile.  Returns 0, or -1
 * with the reason in cli->why.
 */
int cli_unread_count(cli_t *cli, const char *property);

/*
 * Counts likewise, of a thread of at most 10,000 entries, and changes nothing.
 * Returns 1 if what meta has is right, or if the thread is longer; 0 if not; -1
 * with the reason in cli->why.
 */
int cli_unread_count_check(cli_t *cli, const char *property);


#endif /* CLI_UNREAD_COUNT_H */
