
/*
 * A searcher: takes searches off the lane, one at a time, and publishes their
 * results.  It only reads threads.
 */


#ifndef SEARCHER_H
#define SEARCHER_H


#include <signal.h>

#include "server.h"


/*
 * Runs until *quit is set, over a connection of its own; name is for CLIENT
 * LIST.  It finishes the present search, and returns within about half a
 * second.  Returns the exit status.
 */
int searcher_run(const server_t *redis, const char *name,
    volatile sig_atomic_t *quit);


#endif /* SEARCHER_H */
