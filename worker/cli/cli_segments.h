
/* Checks the sealed segments of a property. */


#ifndef CLI_SEGMENTS_H
#define CLI_SEGMENTS_H


#include "cli.h"


/*
 * Called for each damaged segment, with the reason in cli->why.  Returns 0 to
 * continue, else -1.
 */
typedef int (*cli_segments_damaged_pt)(void *data, const char *property);


/*
 * Verifies all segments of a property, as each reader verifies those that it
 * reads.  The connection has no reply outstanding.  Returns 0; -1 with the
 * reason in cli->why if Redis fails or memory is short, or what the callback
 * returned.
 */
int cli_segments_check(cli_t *cli, const char *property,
    cli_segments_damaged_pt damaged, void *data);


#endif /* CLI_SEGMENTS_H */
