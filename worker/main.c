
/*
 * The worker's entry point: options, signals, searchers, loop.
 */

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "conn.h"
#include "descriptors.h"
#include "log.h"
#include "loop.h"
#include "notify.h"
#include "options.h"
#include "processes.h"


/* set by SIGTERM and SIGINT */
static volatile sig_atomic_t  main_quit;


static void
main_signal(int signo)
{
    (void) signo;

    main_quit = 1;
}


int
main(int argc, char **argv)
{
    int               rc;
    char              why[256];
    options_t         options;
    searchers_t       searchers;
    struct sigaction  action;

    if (descriptors_open() == -1) {
        return 1;
    }

    rc = options_parse(&options, argc, argv);
    if (rc != -1) {
        return rc;
    }

    log_open();
    notify_open();

    if (conn_check(&options.redis, why, sizeof(why)) == -1) {
        fprintf(stderr, "leaseloft-worker: %s\n", why);
        return 1;
    }

    (void) ll_keys_set_prefix(options.prefix, strlen(options.prefix));
    ll_keys_set_cluster(options.redis.url.kind == LL_REDIS_URL_CLUSTER);

    memset(&action, 0, sizeof(struct sigaction));
    action.sa_handler = main_signal;

    (void) sigaction(SIGTERM, &action, NULL);
    (void) sigaction(SIGINT, &action, NULL);

    action.sa_handler = SIG_IGN;
    (void) sigaction(SIGPIPE, &action, NULL);

    searchers_init(&searchers, options.searchers, &options.redis, options.name,
                   &main_quit);

    rc = options.redis.url.kind == LL_REDIS_URL_CLUSTER
         ? processes_run(&options, &searchers, &main_quit)
         : loop_run(&options, &searchers, &main_quit, NULL);

    searchers_stop(&searchers);

    return rc;
}
