
/*
 * Starts searchers by fork(), without exec: the options may contain a password,
 * and a new process must be of this version.  Searchers of a worker that was
 * killed are killed by the kernel (PR_SET_PDEATHSIG).
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "descriptors.h"
#include "log.h"
#include "priority.h"
#include "searcher.h"
#include "searchers.h"


/* size of the name of its connection */
#define SEARCHERS_NAME     128

/* how long a searcher may take to stop, in steps of 10 ms */
#define SEARCHERS_STOP     100


void
searchers_init(searchers_t *searchers, unsigned n, const server_t *redis,
    const char *name, volatile sig_atomic_t *quit)
{
    memset(searchers, 0, sizeof(searchers_t));

    searchers->n = n;
    searchers->redis = redis;
    searchers->name = name;
    searchers->quit = quit;
}


/* the new process */
static int
searchers_child(const searchers_t *searchers, pid_t parent)
{
    char  name[SEARCHERS_NAME];

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent) {
        return 1;
    }

    /* the worker's connection to Redis must end with the worker */

    descriptors_close();

    priority_lower(searchers->quit);

    (void) snprintf(name, sizeof(name), "%s-search", searchers->name);

    return searcher_run(searchers->redis, name, searchers->quit);
}


static void
searchers_start(searchers_t *searchers, unsigned i)
{
    pid_t  pid, parent;

    parent = getpid();
    pid = fork();

    if (pid == 0) {
        _exit(searchers_child(searchers, parent));
    }

    if (pid == -1) {
        log_error("can't start a searcher: \"%s\"", strerror(errno));
        return;
    }

    searchers->pids[i] = pid;

    log_info("searcher %ld starts", (long) pid);
}


/* 1 if the process has ended, or never ran */
static int
searchers_ended(searchers_t *searchers, unsigned i)
{
    int    status;
    pid_t  pid;

    status = 0;
    pid = searchers->pids[i];

    if (pid == 0) {
        return 1;
    }

    if (waitpid(pid, &status, WNOHANG) == 0) {
        return 0;
    }

    searchers->pids[i] = 0;

    if (status != 0) {
        log_error("searcher %ld ended with status %d", (long) pid, status);
    }

    return 1;
}


void
searchers_keep(searchers_t *searchers)
{
    unsigned  i;

    for (i = 0; i < searchers->n; i++) {
        if (searchers_ended(searchers, i)) {
            searchers_start(searchers, i);
        }
    }
}


static void
searchers_signal(const searchers_t *searchers, int signo)
{
    unsigned  i;

    for (i = 0; i < searchers->n; i++) {
        if (searchers->pids[i]) {
            (void) kill(searchers->pids[i], signo);
        }
    }
}


static unsigned
searchers_running(searchers_t *searchers)
{
    unsigned  i, n;

    n = 0;

    for (i = 0; i < searchers->n; i++) {
        n += !searchers_ended(searchers, i);
    }

    return n;
}


void
searchers_stop(searchers_t *searchers)
{
    unsigned  i;

    searchers_signal(searchers, SIGTERM);

    for (i = 0; i < SEARCHERS_STOP && searchers_running(searchers); i++) {
        clock_sleep(10);
    }

    searchers_signal(searchers, SIGKILL);

    for (i = 0; i < searchers->n; i++) {
        if (searchers->pids[i]) {
            (void) waitpid(searchers->pids[i], NULL, 0);
            searchers->pids[i] = 0;
        }
    }
}
