
/*
 * A lower priority, for processes that must not delay others.
 *
 * Nice values do not do it alone.  Where the kernel groups processes by session
 * (autogroup), they count within a session, and each service has its own.  And
 * the kernel lets a running process go on for its time slice, whatever its nice
 * value; the end of the slice is noticed at a tick of the clock, 4 ms later.  A
 * process that wakes up with a shorter slice than the running one does not
 * wait (Linux 6.12 and later).
 */


#ifndef PRIORITY_H
#define PRIORITY_H


#include <signal.h>


/*
 * Makes this process, which must not lead a process group, the leader of a
 * session, and lowers the priority of both; a lower one is kept.  May wait for
 * seconds, as the kernel allows one session every 100 ms to do this; ends early
 * if *quit is set.  Failures are logged, once, and change nothing else.
 */
void priority_lower(const volatile sig_atomic_t *quit);


#endif /* PRIORITY_H */
