
/* the worker's command line: arguments, each ended by a newline */

#include <getopt.h>
#include <string.h>

#include "common/id.h"
#include "fuzz.h"
#include "log.h"
#include "options.h"


#define ARGUMENTS_MAX  32


static void
options_check(const options_t *options)
{
    const ll_redis_url_t  *url = &options->redis.url;

    CHECK(!url->path.len != !url->naddrs);
    CHECK(url->kind != LL_REDIS_URL_CLUSTER);
    CHECK(ll_keys_prefix_valid(options->prefix, strlen(options->prefix)));
    CHECK(options->queues >= 1 && options->queues <= 64);
    CHECK(options->batch >= 1 && options->batch <= 1024);
    CHECK(options->claim_ms >= 100 && options->claim_ms <= 3600000);
    CHECK(options->replicas <= 16);
    CHECK(options->replica_ms >= 1 && options->replica_ms <= 2000);
    CHECK(options->seal_after <= 1000000);
    CHECK(options->seal_size >= 1 && options->seal_size <= 128);
    CHECK(options->searchers <= 16);
    CHECK(options->name[0] != '\0');

    if (options->named) {
        CHECK(ll_id_valid(options->name, strlen(options->name)));
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int         rc, argc;
    char       *text, *p, *end, *argv[ARGUMENTS_MAX + 1];
    FILE       *null, *out, *err;
    options_t   options;

    text = malloc(size + 1);
    null = fopen("/dev/null", "w");
    CHECK(text != NULL && null != NULL);

    memcpy(text, data, size);
    text[size] = '\0';

    argv[0] = "leaseloft-worker";
    argc = 1;

    for (p = text; p != NULL && argc < ARGUMENTS_MAX; p = end) {
        end = strchr(p, '\n');

        if (end != NULL) {
            *end++ = '\0';
            argv[argc++] = p;
        }
    }

    argv[argc] = NULL;
    optind = 0;

    /* error messages are discarded */

    out = stdout;
    err = stderr;
    stdout = null;
    stderr = null;

    rc = options_parse(&options, argc, argv);

    stdout = out;
    stderr = err;

    (void) fclose(null);

    if (rc == -1) {
        options_check(&options);

    } else {
        CHECK(rc >= 0 && rc <= 2);
    }

    free(text);

    return 0;
}
