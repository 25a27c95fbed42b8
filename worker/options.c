
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chain.h"
#include "common/id.h"
#include "consumer.h"
#include "log.h"
#include "options.h"
#include "common/version.h"


static const char  options_help[] =
    "usage: leaseloft-worker [OPTION]...\n"
    "\n"
    "Takes requests from Redis, numbers and stores what was sent, and tells\n"
    "nginx.  Run as many as you like.\n"
    "\n"
    "  --redis URL    unix:PATH or redis://[user:password@]host[:port];\n"
    "                 else LEASELOFT_REDIS, else " URL_DEFAULT "\n"
    "  --prefix NAME  of all keys and channels, as nginx is told: 1 to 16 of\n"
    "                 a-z 0-9 _ -; else LEASELOFT_PREFIX, else " LL_PREFIX "\n"
    "  --queues N     queues of requests, as nginx is told: 1 to 64 (1)\n"
    "  --name NAME    of this worker, unlike any other's (made up)\n"
    "  --batch N      requests taken at a time: 1 to 1024 (32)\n"
    "  --claim MS     a dead worker's requests are claimed after (5000)\n"
    "  --log LEVEL    alert, error, warn, notice, info or debug (notice)\n"
    "  --help         this\n"
    "  --version      the version\n";


static const struct option  options_long[] = {
    { "redis", required_argument, NULL, 'r' },
    { "prefix", required_argument, NULL, 'p' },
    { "queues", required_argument, NULL, 'i' },
    { "name", required_argument, NULL, 'n' },
    { "batch", required_argument, NULL, 'b' },
    { "claim", required_argument, NULL, 'c' },
    { "log", required_argument, NULL, 'l' },
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, 'v' },
    { NULL, 0, NULL, 0 }
};


static int
options_wrong(const char *option, const char *why)
{
    fprintf(stderr, "leaseloft-worker: --%s %s; see --help\n", option, why);

    return 2;
}


/* -1, or the status to exit with */

static int
options_number(const char *option, const char *s, int64_t min, int64_t max,
    int64_t *n)
{
    char  *end, why[96];

    errno = 0;
    *n = strtoll(s, &end, 10);

    if (*s == '\0' || *end != '\0' || errno != 0 || *n < min || *n > max) {
        (void) snprintf(why, sizeof(why),
                        "must be a number from %" PRId64 " to %" PRId64, min,
                        max);
        return options_wrong(option, why);
    }

    return -1;
}


/* a name that no other worker has */

static int
options_make_name(options_t *options)
{
    char           host[33];
    size_t         i;
    unsigned char  random[CHAIN_SALT];

    memset(host, 0, sizeof(host));

    if (gethostname(host, sizeof(host) - 1) == -1 || host[0] == '\0') {
        (void) snprintf(host, sizeof(host), "worker");
    }

    for (i = 0; host[i] != '\0'; i++) {
        if (!ll_id_valid(&host[i], 1)) {
            host[i] = '-';
        }
    }

    if (chain_salt(random) == -1) {
        fprintf(stderr, "leaseloft-worker: the system has no randomness\n");
        return 1;
    }

    (void) snprintf(options->name, sizeof(options->name),
                    "%s-%ld-%02x%02x%02x", host, (long) getpid(), random[0],
                    random[1], random[2]);

    return -1;
}


static int
options_redis(options_t *options, const char *url)
{
    const char  *why;

    if (url_parse(url, &options->redis, &why) == -1) {
        fprintf(stderr, "leaseloft-worker: the URL of redis %s; see --help\n",
                why);
        return 2;
    }

    return -1;
}


static int
options_prefix(options_t *options, const char *prefix)
{
    if (!ll_keys_prefix_valid(prefix, strlen(prefix))) {
        fprintf(stderr, "leaseloft-worker: the prefix must be 1 to %d of "
                "a-z 0-9 _ -; see --help\n", LL_PREFIX_MAX);
        return 2;
    }

    (void) snprintf(options->prefix, sizeof(options->prefix), "%s", prefix);

    return -1;
}


/* one option: -1, or the status to exit with */

static int
options_take(options_t *options, int c, const char *value)
{
    int      rc, level;
    int64_t  n;

    rc = -1;

    switch (c) {

    case 'r':
        return options_redis(options, value);

    case 'p':
        return options_prefix(options, value);

    case 'i':
        rc = options_number("queues", value, 1, LL_QUEUES_MAX, &n);
        options->queues = (unsigned) n;
        return rc;

    case 'b':
        rc = options_number("batch", value, 1, 1024, &n);
        options->batch = (unsigned) n;
        return rc;

    case 'c':
        return options_number("claim", value, 100, 3600000,
                              &options->claim_ms);

    case 'n':
        if (!ll_id_valid(value, strlen(value))) {
            return options_wrong("name", "must be 1 to 64 of A-Z a-z 0-9 _ -");
        }

        (void) snprintf(options->name, sizeof(options->name), "%s", value);
        options->named = 1;
        return -1;

    case 'l':
        level = log_level_of(value);
        if (level == -1) {
            return options_wrong("log", "must be alert, error, warn, notice, "
                                 "info or debug");
        }

        log_set_level((log_level_e) level);
        return -1;

    case 'h':
        fputs(options_help, stdout);
        return 0;

    case 'v':
        puts("leaseloft-worker " LEASELOFT_VERSION);
        return 0;
    }

    return -1;
}


/*
 * What getopt found wrong with an argument.  It would repeat all of it, and
 * that may be the URL with its password.
 */

static int
options_unknown(int c, const char *arg)
{
    const char  *why;

    why = c == ':' ? "needs a value"
                   : "is no option, is ambiguous or takes no value";

    /* it stands before that of an unknown short option: not the culprit then */

    if (strncmp(arg, "--", 2) == 0) {
        fprintf(stderr, "leaseloft-worker: %.*s %s; see --help\n",
                (int) strcspn(arg, "="), arg, why);

    } else {
        fprintf(stderr, "leaseloft-worker: options begin with \"--\"; "
                "see --help\n");
    }

    return 2;
}


/* from the environment, unless an option says it; empty is as if not there */

static const char *
options_env(const char *name, const char *otherwise)
{
    const char  *value;

    value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : otherwise;
}


int
options_parse(options_t *options, int argc, char **argv)
{
    int  c, rc;

    memset(options, 0, sizeof(options_t));

    options->queues = 1;
    options->batch = 32;    /* docs/design.md says why */
    options->claim_ms = 5000;

    rc = -1;
    opterr = 0;

    while (rc == -1
           && (c = getopt_long(argc, argv, ":", options_long, NULL)) != -1)
    {
        rc = c == '?' || c == ':' ? options_unknown(c, argv[optind - 1])
                                  : options_take(options, c, optarg);
    }

    if (rc != -1) {
        return rc;
    }

    if (optind < argc) {
        fprintf(stderr, "leaseloft-worker: arguments are options and their "
                "values only; see --help\n");
        return 2;
    }

    if (options->redis.port == 0) {
        rc = options_redis(options, options_env("LEASELOFT_REDIS",
                                                URL_DEFAULT));
    }

    if (rc == -1 && options->prefix[0] == '\0') {
        rc = options_prefix(options, options_env("LEASELOFT_PREFIX",
                                                 LL_PREFIX));
    }

    if (rc != -1) {
        return rc;
    }

    return options->named ? -1 : options_make_name(options);
}
