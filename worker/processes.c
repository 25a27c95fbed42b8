
/*
 * A primary that hangs holds up one process only, and the loop of a process is
 * that of a worker on a single server.  Processes are started by fork(), as
 * searchers are, and are killed by the kernel if this one dies.
 *
 * The row of a process in the crew is used again once it has ended and no other
 * row is left.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "cluster.h"
#include "common/version.h"
#include "crew.h"
#include "descriptors.h"
#include "log.h"
#include "loop.h"
#include "notify.h"
#include "processes.h"
#include "store_library.h"


/* how often to read the map, and to start processes that ended */
#define PROCESSES_TURN_MS   1000

/* how often to look whether to stop */
#define PROCESSES_STEP_MS   50

/* a process that has not gone on for so long is killed */
#define PROCESSES_HANG_MS   30000

/* how long a process may take to stop: longer than a primary to answer */
#define PROCESSES_STOP_MS   8000


typedef struct {
    pid_t                   pid;       /* 0: it does not run */
    int64_t                 stop_at;   /* when it was told to stop; 0: it was
                                          not */
    int                     wanted;
} process_t;

typedef struct {
    const options_t        *options;
    searchers_t            *searchers;
    volatile sig_atomic_t  *quit;
    cluster_t              *cluster;
    crew_t                 *crew;
    int                     known;     /* the map was read once */
    int                     failed;    /* the last attempt to read it */
    process_t               all[PEERS_MAX];
} processes_t;


/* the new process */
static int
processes_child(processes_t *processes, unsigned i, pid_t parent)
{
    char           subject[LL_SLOTS_HOST + 16];
    searchers_t    none;
    crew_seat_t    seat;
    const peer_t  *peer = &processes->crew->peers.all[i];

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent) {
        return 1;
    }

    descriptors_close();
    notify_close();

    (void) snprintf(subject, sizeof(subject), "%s:%u", peer->host, peer->port);
    log_set_subject(subject);

    seat.crew = processes->crew;
    seat.i = i;
    seat.cluster = &processes->options->redis;

    searchers_init(&none, 0, NULL, "", processes->quit);

    return loop_run(processes->options, &none, processes->quit, &seat);
}


static void
processes_start(processes_t *processes, unsigned i)
{
    pid_t  pid, parent;

    parent = getpid();
    pid = fork();

    if (pid == 0) {
        _exit(processes_child(processes, i, parent));
    }

    if (pid == -1) {
        log_error("can't start a process: \"%s\"", strerror(errno));
        return;
    }

    processes->all[i].pid = pid;
    processes->all[i].stop_at = 0;
    peers_turned(&processes->crew->peers.all[i]);

    log_info("process %ld starts, for %s:%u", (long) pid,
             processes->crew->peers.all[i].host,
             processes->crew->peers.all[i].port);
}


/* notes which processes have ended; returns how many have not */
static unsigned
processes_running(processes_t *processes)
{
    int         status;
    unsigned    i, n;
    process_t  *process;

    n = 0;

    for (i = 0; i < processes->crew->peers.n; i++) {
        process = &processes->all[i];

        if (process->pid == 0) {
            continue;
        }

        if (waitpid(process->pid, &status, WNOHANG) == 0) {
            n++;
            continue;
        }

        if (status != 0 && process->stop_at == 0) {
            log_error("process %ld ended with status %d", (long) process->pid,
                      status);
        }

        process->pid = 0;
    }

    return n;
}


/* tells a process to stop, and kills it if it does not */
static void
processes_stop(process_t *process)
{
    int64_t  now;

    now = clock_monotonic();

    if (process->pid == 0) {
        return;
    }

    if (process->stop_at == 0) {
        process->stop_at = now;
        (void) kill(process->pid, SIGTERM);

    } else if (now - process->stop_at > PROCESSES_STOP_MS) {
        (void) kill(process->pid, SIGKILL);
    }
}


/* as systemd watches this process, this one watches the others */
static void
processes_watch(processes_t *processes, unsigned i)
{
    process_t     *process = &processes->all[i];
    const peer_t  *peer = &processes->crew->peers.all[i];

    if (clock_monotonic() - peer->turn_at > PROCESSES_HANG_MS) {
        log_error("process %ld, for %s:%u, hangs: killed", (long) process->pid,
                  peer->host, peer->port);
        (void) kill(process->pid, SIGKILL);
    }
}


/* the row of a primary, a new one if need be; -1 if all are in use */
static int
processes_row(processes_t *processes, const ll_slots_node_t *node)
{
    unsigned   i;
    peer_t    *peer;
    peers_t   *peers = &processes->crew->peers;

    peer = peers_find(peers, node->host, node->port);

    if (peer != NULL) {
        return (int) (peer - peers->all);
    }

    i = peers->n;

    if (i == PEERS_MAX) {
        for (i = 0; i < PEERS_MAX && processes->all[i].pid != 0; i++) {
            /* void */
        }
    }

    if (i == PEERS_MAX) {
        return -1;
    }

    peers_set(peers, i, node->host, node->port);

    return (int) i;
}


/* reads the map, and marks which processes are wanted: 0, or -1 */
static int
processes_read(processes_t *processes)
{
    int                row;
    unsigned           i;
    const ll_slots_t  *slots;

    if (cluster_refresh(processes->cluster) == -1) {
        if (!processes->failed) {
            log_error("can't read the slots of the cluster: \"%s\", retrying",
                      cluster_error(processes->cluster));
        }

        processes->failed = 1;
        return -1;
    }

    processes->failed = 0;
    processes->known = 1;
    slots = cluster_slots(processes->cluster);

    for (i = 0; i < PEERS_MAX; i++) {
        processes->all[i].wanted = 0;
    }

    for (i = 0; i < slots->nnodes; i++) {
        row = slots->nodes[i].slots
              ? processes_row(processes, &slots->nodes[i]) : -1;

        if (row != -1) {
            processes->all[row].wanted = 1;
        }
    }

    return 0;
}


/* starts and stops processes by the map, which stays as it is if it is lost */
static void
processes_turn(processes_t *processes)
{
    unsigned    i;
    process_t  *process;

    (void) processes_read(processes);
    (void) processes_running(processes);

    /* a heartbeat was accepted, so the functions and the layout are right */

    if (peers_queues(&processes->crew->peers) != 0) {
        searchers_keep(processes->searchers);
    }

    for (i = 0; i < processes->crew->peers.n; i++) {
        process = &processes->all[i];

        if (!process->wanted) {
            processes_stop(process);

        } else if (process->pid == 0) {
            processes_start(processes, i);

        } else {
            processes_watch(processes, i);
        }
    }
}


/* until the next turn */
static void
processes_wait(const processes_t *processes, int64_t until)
{
    while (!*processes->quit && clock_monotonic() < until) {
        clock_sleep(PROCESSES_STEP_MS);
    }
}


static void
processes_end(processes_t *processes)
{
    unsigned  i;

    notify_stopping();
    searchers_stop(processes->searchers);

    while (processes_running(processes) != 0) {
        for (i = 0; i < processes->crew->peers.n; i++) {
            processes_stop(&processes->all[i]);
        }

        clock_sleep(PROCESSES_STEP_MS / 5);
    }
}


/* what systemd is told */
static void
processes_report(const processes_t *processes)
{
    if (!processes->known && !processes->failed) {
        notify_turn(0, "connecting to the cluster");

    } else if (processes->failed) {
        notify_turn(1, "can't read the slots of the cluster, see the log");

    } else {
        notify_turn(1, "takes requests, see the log for each primary");
    }
}


int
processes_run(const options_t *options, searchers_t *searchers,
    volatile sig_atomic_t *quit)
{
    int64_t      next;
    processes_t  processes;

    memset(&processes, 0, sizeof(processes_t));

    processes.options = options;
    processes.searchers = searchers;
    processes.quit = quit;
    processes.cluster = cluster_create(&options->redis, options->name);
    processes.crew = crew_create();

    if (processes.cluster == NULL || processes.crew == NULL) {
        log_alert("out of memory");
        cluster_free(processes.cluster);
        return 1;
    }

    cluster_set_limit(processes.cluster, PROCESSES_TURN_MS);

    log_notice("worker \"%s\" starts: version %s, functions revision %ld, "
               "for a cluster", options->name, LEASELOFT_VERSION,
               store_library_revision());

    while (!*quit) {
        next = clock_monotonic() + PROCESSES_TURN_MS;

        processes_turn(&processes);
        processes_report(&processes);
        processes_wait(&processes, next);
    }

    processes_end(&processes);
    cluster_free(processes.cluster);

    log_notice("worker \"%s\" ends", options->name);

    return 0;
}
