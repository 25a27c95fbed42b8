
/*
 * The worker's main loop: connects, runs what is due, and processes requests
 * until it is told to stop.
 */


#ifndef LOOP_H
#define LOOP_H


#include <signal.h>

#include "crew.h"
#include "options.h"
#include "searchers.h"


/*
 * Runs until *quit is set; returns the exit status.  It finishes the batch in
 * progress first, and returns within about a second.  Meanwhile it keeps the
 * searchers running.  seat: of this process in a cluster, whose primary it
 * serves; NULL otherwise.
 */
int loop_run(const options_t *options, searchers_t *searchers,
    volatile sig_atomic_t *quit, const crew_seat_t *seat);


#endif /* LOOP_H */
