
/* Signals that stop a command which has something to undo. */


#ifndef CLI_SIGNAL_H
#define CLI_SIGNAL_H


/*
 * From now on SIGINT, SIGTERM and SIGHUP only set a flag, which the command
 * looks at.
 */
void cli_signal_catch(void);

/* Returns 1 if one of them has arrived, else 0. */
int cli_signal_caught(void);


#endif /* CLI_SIGNAL_H */
