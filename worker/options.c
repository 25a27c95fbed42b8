
/*
 * Parses the options with getopt_long(), and reads the environment where an
 * option is not given (LEASELOFT_PREFIX; for Redis, see server.c).  The options
 * are the caller's.
 */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chain.h"
#include "common/id.h"
#include "common/segment.h"
#include "common/version.h"
#include "consumer.h"
#include "log.h"
#include "options.h"
#include "searchers.h"


/* the options of Redis: this plus a server_setting_e */
#define OPTIONS_REDIS     1000

/* this plus an index of options_numbers */
#define OPTIONS_NUMBER    2000

#define OPTIONS_REPLICAS  16


/* options that are a small number, in options_t at the offset */

static const struct {
    const char  *name;
    unsigned     min;
    unsigned     max;
    size_t       offset;
} options_numbers[] = {
    { "queues", 1, LL_QUEUES_MAX, offsetof(options_t, queues) },
    { "batch", 1, 1024, offsetof(options_t, batch) },
    { "seal-after", 0, 1000000, offsetof(options_t, seal_after) },
    { "seal-size", 1, LL_SEGMENT_MAX, offsetof(options_t, seal_size) },
    { "searchers", 0, SEARCHERS_MAX, offsetof(options_t, searchers) },
    { "replicas", 0, OPTIONS_REPLICAS, offsetof(options_t, replicas) },
    { "replica-wait", 1, 2000, offsetof(options_t, replica_ms) }
};


static const char  options_help[] =
    "usage: leaseloft-worker [OPTION]...\n"
    "\n"
    "Processes the requests that nginx queues in Redis: stores messages,\n"
    "leases and read marks, and publishes the results.  Any number of workers\n"
    "can run at a time.\n"
    "\n"
    "  --redis URL    unix:PATH, redis://[user:password@]host[:port],\n"
    "                 redis+sentinel://[user:password@]host[:port],.../NAME\n"
    "                 or redis+cluster://[user:password@]host[:port],...;\n"
    "                 rediss in place of redis for TLS\n"
    "                 (LEASELOFT_REDIS or " LL_REDIS_URL_DEFAULT ")\n"
    "  --redis-password-file FILE\n"
    "                 the password, instead of one in the URL; read again for\n"
    "                 each connection (LEASELOFT_REDIS_PASSWORD_FILE)\n"
    "  --redis-ca FILE\n"
    "                 for TLS: CAs that sign Redis's certificate, in PEM\n"
    "                 (LEASELOFT_REDIS_CA or those of the system)\n"
    "  --redis-cert FILE, --redis-key FILE\n"
    "                 for TLS: the worker's certificate and its key, in PEM\n"
    "                 (LEASELOFT_REDIS_CERT, LEASELOFT_REDIS_KEY)\n"
    "  --redis-name NAME\n"
    "                 for TLS: name in Redis's certificate\n"
    "                 (LEASELOFT_REDIS_NAME or the host)\n"
    "  --prefix NAME  of all keys and channels, the same as in nginx:\n"
    "                 1 to 16 of a-z 0-9 _ -\n"
    "                 (LEASELOFT_PREFIX or " LL_PREFIX ")\n"
    "  --queues N     number of queues, the same as in nginx: 1 to 64 (1)\n"
    "  --name NAME    unique name of the worker (host, pid, random digits)\n"
    "  --batch N      maximum number of requests of a batch, in a cluster\n"
    "                 times the number of primaries: 1 to 1024 (32)\n"
    "  --claim MS     claim other workers' requests after this time (5000)\n"
    "  --replicas N   answer 201 only after N replicas have received the\n"
    "                 message, else 202: 0 to 16 (0)\n"
    "  --replica-wait MS\n"
    "                 how long to wait for them: 1 to 2000 (500)\n"
    "  --seal-after N compress entries older than the newest N of their\n"
    "                 thread; 0: none (64)\n"
    "  --seal-size N  compress so many at a time: 1 to 128 (64)\n"
    "  --searchers N  processes that answer searches: 0 to 16 (1)\n"
    "  --log LEVEL    alert, error, warn, notice, info or debug (notice)\n"
    "  --help         show this help\n"
    "  --version      show the version\n";


static const struct option  options_long[] = {
    { "redis", required_argument, NULL, OPTIONS_REDIS + SERVER_URL },
    { "redis-password-file", required_argument, NULL,
      OPTIONS_REDIS + SERVER_PASSWORD_FILE },
    { "redis-ca", required_argument, NULL, OPTIONS_REDIS + SERVER_CA },
    { "redis-cert", required_argument, NULL, OPTIONS_REDIS + SERVER_CERT },
    { "redis-key", required_argument, NULL, OPTIONS_REDIS + SERVER_KEY },
    { "redis-name", required_argument, NULL, OPTIONS_REDIS + SERVER_NAME },
    { "prefix", required_argument, NULL, 'p' },
    { "queues", required_argument, NULL, OPTIONS_NUMBER + 0 },
    { "name", required_argument, NULL, 'n' },
    { "batch", required_argument, NULL, OPTIONS_NUMBER + 1 },
    { "claim", required_argument, NULL, 'c' },
    { "replicas", required_argument, NULL, OPTIONS_NUMBER + 5 },
    { "replica-wait", required_argument, NULL, OPTIONS_NUMBER + 6 },
    { "seal-after", required_argument, NULL, OPTIONS_NUMBER + 2 },
    { "seal-size", required_argument, NULL, OPTIONS_NUMBER + 3 },
    { "searchers", required_argument, NULL, OPTIONS_NUMBER + 4 },
    { "log", required_argument, NULL, 'l' },
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, 'v' },
    { NULL, 0, NULL, 0 }
};


static int
options_invalid(const char *option, const char *why)
{
    fprintf(stderr, "leaseloft-worker: --%s %s; see --help\n", option, why);

    return 2;
}


/* parses a number into *n: -1, or the status to exit with */
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
        return options_invalid(option, why);
    }

    return -1;
}


/* sets a unique name: -1, or the status to exit with */
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
        fprintf(stderr, "leaseloft-worker: can't get random bytes\n");
        return 1;
    }

    (void) snprintf(options->name, sizeof(options->name),
                    "%s-%ld-%02x%02x%02x", host, (long) getpid(), random[0],
                    random[1], random[2]);

    return -1;
}


static int
options_redis(server_t *server)
{
    if (server_init(server) == -1) {
        fprintf(stderr, "leaseloft-worker: %s; see --help\n", server->fault);
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


static int
options_name(options_t *options, const char *name)
{
    if (!ll_id_valid(name, strlen(name))) {
        return options_invalid("name", "must be 1 to 64 of A-Z a-z 0-9 _ -");
    }

    (void) snprintf(options->name, sizeof(options->name), "%s", name);
    options->named = 1;

    return -1;
}


/* handles number i of options_numbers: -1, or the status to exit with */
static int
options_take_number(options_t *options, int i, const char *value)
{
    int        rc;
    int64_t    n;
    unsigned  *dst;

    rc = options_number(options_numbers[i].name, value, options_numbers[i].min,
                        options_numbers[i].max, &n);

    if (rc == -1) {
        dst = (unsigned *) ((char *) options + options_numbers[i].offset);
        *dst = (unsigned) n;
    }

    return rc;
}


/* handles option c: -1, or the status to exit with */
static int
options_take(options_t *options, int c, const char *value)
{
    int  level;

    if (c >= OPTIONS_NUMBER) {
        return options_take_number(options, c - OPTIONS_NUMBER, value);
    }

    if (c >= OPTIONS_REDIS) {
        options->redis.settings[c - OPTIONS_REDIS] = value;
        return -1;
    }

    switch (c) {

    case 'p':
        return options_prefix(options, value);

    case 'c':
        return options_number("claim", value, 100, 3600000,
                              &options->claim_ms);

    case 'n':
        return options_name(options, value);

    case 'l':
        level = log_level_of(value);
        if (level == -1) {
            return options_invalid("log", "must be alert, error, warn, "
                                   "notice, info or debug");
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
 * Reports an argument that getopt_long() rejects.  Its own message would repeat
 * the whole argument, which may be the URL with its password.
 */
static int
options_unknown(int c, const char *arg)
{
    const char  *why;

    why = c == ':' ? "needs a value"
                   : "is unknown, ambiguous or takes no value";

    /* for an unknown short option, arg may be the argument before it */

    if (strncmp(arg, "--", 2) == 0) {
        fprintf(stderr, "leaseloft-worker: %.*s %s; see --help\n",
                (int) strcspn(arg, "="), arg, why);

    } else {
        fprintf(stderr, "leaseloft-worker: options begin with \"--\"; "
                "see --help\n");
    }

    return 2;
}


/* a variable of the environment; the default if it is unset or empty */
static const char *
options_env(const char *name, const char *value_default)
{
    const char  *value;

    value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : value_default;
}


int
options_parse(options_t *options, int argc, char **argv)
{
    int  c, rc;

    memset(options, 0, sizeof(options_t));

    options->queues = 1;
    options->batch = 32;    /* measured: see docs/design.md */
    options->claim_ms = 5000;
    options->replica_ms = 500;
    options->seal_after = 64;
    options->seal_size = 64;
    options->searchers = 1;

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
        fprintf(stderr, "leaseloft-worker: unexpected argument; "
                "see --help\n");
        return 2;
    }

    rc = options_redis(&options->redis);

    if (rc == -1 && options->prefix[0] == '\0') {
        rc = options_prefix(options, options_env("LEASELOFT_PREFIX",
                                                 LL_PREFIX));
    }

    if (rc != -1) {
        return rc;
    }

    return options->named ? -1 : options_make_name(options);
}
