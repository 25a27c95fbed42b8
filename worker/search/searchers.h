
/*
 * The searchers of a worker, each a process of its own: a search cannot change
 * what the worker has in memory, and whatever it does to its process, the
 * worker goes on.  A searcher has a lower priority than the servers
 * (priority.h), which interrupt it when they wake up; on a busy machine,
 * searches get what is left.  Redis answers a searcher between messages, one
 * block of a thread at a time.
 */


#ifndef SEARCHERS_H
#define SEARCHERS_H


#include <signal.h>
#include <sys/types.h>

#include "server.h"


#define SEARCHERS_MAX  16


typedef struct {
    unsigned                n;
    const server_t            *redis;
    const char             *name;      /* of the worker */
    volatile sig_atomic_t  *quit;
    pid_t                   pids[SEARCHERS_MAX];
                                       /* 0: not running */
} searchers_t;


/*
 * Sets up n searchers, none of which runs yet.  redis, name and quit, which is
 * set when a process is told to stop, must outlive them.
 */
void searchers_init(searchers_t *searchers, unsigned n, const server_t *redis,
    const char *name, volatile sig_atomic_t *quit);

/*
 * Starts those that do not run.  To be called about once a second, by a process
 * of one thread.  A new process ends by itself when this one does.
 */
void searchers_keep(searchers_t *searchers);

/*
 * Stops all: each finishes its search, within a second at most.  They can be
 * started again.
 */
void searchers_stop(searchers_t *searchers);


#endif /* SEARCHERS_H */
