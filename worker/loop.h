
/*
 * The worker's life: connect, look after what is due, take requests, until
 * told to stop.
 */


#ifndef LOOP_H
#define LOOP_H


#include <signal.h>

#include "options.h"


/*
 * Works until *quit is set: the status to exit with.  Ends within about a
 * second then, the batch at hand being finished.
 */
int loop_run(const options_t *options, volatile sig_atomic_t *quit);


#endif /* LOOP_H */
