
/*
 * The attributes of a process are set by the system call, for which Debian 12's
 * C library has no function.  Older kernels ignore the time slice.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "priority.h"


#define PRIORITY_NICE   10
#define PRIORITY_TEXT   "10"

/* in nanoseconds, the longest that the kernel knows */
#define PRIORITY_SLICE  100000000

/* tries to set the priority of the session, every 20 ms */
#define PRIORITY_TRIES  150
#define PRIORITY_PAUSE  20


/* returns 0, also if the kernel does not group processes by session, or -1 */
static int
priority_session(const volatile sig_atomic_t *quit)
{
    int      fd, tries;
    ssize_t  n;

    if (setsid() == -1) {
        return -1;
    }

    fd = open("/proc/self/autogroup", O_WRONLY);
    if (fd == -1) {
        return errno == ENOENT ? 0 : -1;
    }

    tries = 0;

    do {
        if (tries) {
            clock_sleep(PRIORITY_PAUSE);
        }

        n = write(fd, PRIORITY_TEXT, sizeof(PRIORITY_TEXT) - 1);

    } while (n == -1 && errno == EAGAIN && ++tries < PRIORITY_TRIES && !*quit);

    (void) close(fd);

    return n == -1 ? -1 : 0;
}


/* returns 0 or -1 */
static int
priority_process(void)
{
    struct sched_attr  attr;

    memset(&attr, 0, sizeof(struct sched_attr));

    attr.size = SCHED_ATTR_SIZE_VER0;
    attr.sched_policy = SCHED_BATCH;
    attr.sched_nice = getpriority(PRIO_PROCESS, 0);
    attr.sched_runtime = PRIORITY_SLICE;

    if (attr.sched_nice < PRIORITY_NICE) {
        attr.sched_nice = PRIORITY_NICE;
    }

    return syscall(SYS_sched_setattr, 0, &attr, 0) == -1 ? -1 : 0;
}


void
priority_lower(const volatile sig_atomic_t *quit)
{
    if (priority_process() == -1) {
        log_warn("can't lower the priority of a process: \"%s\"",
                 strerror(errno));
    }

    if (priority_session(quit) == -1 && !*quit) {
        log_warn("can't lower the priority of a session: \"%s\"",
                 strerror(errno));
    }
}
