
/* Catches the signals that end a command, so that it can undo what it began. */

#include <signal.h>
#include <string.h>

#include "cli_signal.h"


static volatile sig_atomic_t  cli_signal_arrived;


static void
cli_signal_handler(int signo)
{
    (void) signo;
    cli_signal_arrived = 1;
}


void
cli_signal_catch(void)
{
    struct sigaction  action;

    memset(&action, 0, sizeof(struct sigaction));

    action.sa_handler = cli_signal_handler;
    action.sa_flags = SA_RESTART;

    (void) sigaction(SIGINT, &action, NULL);
    (void) sigaction(SIGTERM, &action, NULL);
    (void) sigaction(SIGHUP, &action, NULL);
}


int
cli_signal_caught(void)
{
    return cli_signal_arrived;
}
