
/*
 * A worker in a Redis Cluster: a process for each primary, which runs the main
 * loop on that primary (loop.h), and this one, which reads the map of slots
 * each second, and starts and stops them.
 */


#ifndef PROCESSES_H
#define PROCESSES_H


#include <signal.h>

#include "options.h"
#include "searchers.h"


/*
 * Runs until *quit is set; returns the exit status.  The URL in options is that
 * of a cluster.  Each process finishes its batch first.
 */
int processes_run(const options_t *options, searchers_t *searchers,
    volatile sig_atomic_t *quit);


#endif /* PROCESSES_H */
