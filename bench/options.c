
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"


#define OPTIONS_KEY_MAX  4096


static const char  options_help[] =
    "load: streams, senders and readers against an event server\n"
    "\n"
    "  --host IP --port N --tls    the server (127.0.0.1)\n"
    "  --key FILE                  the secret of the tokens\n"
    "  --first N --properties N    which properties (0, 1)\n"
    "  --headers N --token N       bytes of a stream's request, of a token\n"
    "  --place QUERY               where streams begin, such as after=1\n"
    "  --streams N --ahead N       streams, and how many to open at a time\n"
    "  --senders N --rate N        senders; messages a second (closed loop)\n"
    "  --mixed                     several senders to a property at a time\n"
    "  --event-id                  sends name the id of the event\n"
    "  --gets N --kind poll|bad|plain --query Q --expect STATUS\n"
    "  --warm S --seconds S        before it counts, and how long it counts\n"
    "  --drain S                   how long to wait for what is missing, once\n"
    "                              all is answered\n"
    "  --storm                     all streams reconnect after the warm-up\n"
    "  --round                     a last message to each property\n"
    "  --wait                      for a line of input between the phases\n"
    "  --timeline                  what was done in each tenth of a second\n";


static const struct option  options_long[] = {
    { "host",       required_argument, NULL, 'h' },
    { "port",       required_argument, NULL, 'p' },
    { "tls",        no_argument,       NULL, 't' },
    { "key",        required_argument, NULL, 'k' },
    { "first",      required_argument, NULL, 'f' },
    { "properties", required_argument, NULL, 'P' },
    { "headers",    required_argument, NULL, 'H' },
    { "token",      required_argument, NULL, 'T' },
    { "place",      required_argument, NULL, 'l' },
    { "streams",    required_argument, NULL, 's' },
    { "ahead",      required_argument, NULL, 'a' },
    { "senders",    required_argument, NULL, 'S' },
    { "rate",       required_argument, NULL, 'r' },
    { "mixed",      no_argument,       NULL, 'm' },
    { "event-id",   no_argument,       NULL, 'E' },
    { "gets",       required_argument, NULL, 'g' },
    { "kind",       required_argument, NULL, 'K' },
    { "query",      required_argument, NULL, 'q' },
    { "expect",     required_argument, NULL, 'e' },
    { "warm",       required_argument, NULL, 'w' },
    { "seconds",    required_argument, NULL, 'd' },
    { "drain",      required_argument, NULL, 'D' },
    { "storm",      no_argument,       NULL, 'X' },
    { "round",      no_argument,       NULL, 'R' },
    { "wait",       no_argument,       NULL, 'W' },
    { "timeline",   no_argument,       NULL, 'L' },
    { NULL, 0, NULL, 0 }
};


/* the bytes of a file less a final newline, as the server takes them */
static int
options_key(target_t *target, const char *name)
{
    FILE         *file;
    static char   key[OPTIONS_KEY_MAX];

    file = fopen(name, "r");

    if (file == NULL) {
        fprintf(stderr, "load: \"%s\": %s\n", name, strerror(errno));
        return -1;
    }

    target->key_len = fread(key, 1, sizeof(key), file);
    fclose(file);

    if (target->key_len && key[target->key_len - 1] == '\n') {
        target->key_len--;
    }

    target->key = key;

    return 0;
}


static void
options_kind(options_t *options, const char *kind)
{
    options->kind = strcmp(kind, "poll") == 0 ? GETS_POLL
                    : strcmp(kind, "bad") == 0 ? GETS_BAD : GETS_PLAIN;
}


static int
options_take(options_t *options, int option, const char *value)
{
    switch (option) {
    case 'h': options->target.host = value; break;
    case 'p': options->target.port = atoi(value); break;
    case 't': options->tls = 1; break;
    case 'k': return options_key(&options->target, value);
    case 'f': options->target.first = atoi(value); break;
    case 'P': options->target.properties = atoi(value); break;
    case 'H': options->target.headers = atoi(value); break;
    case 'T': options->target.token = atoi(value); break;
    case 'l': options->target.place = value; break;
    case 's': options->streams = atoi(value); break;
    case 'a': options->ahead = atoi(value); break;
    case 'S': options->senders = atoi(value); break;
    case 'r': options->rate = atoi(value); break;
    case 'm': options->mixed = 1; break;
    case 'E': options->target.event_id = 1; break;
    case 'g': options->gets = atoi(value); break;
    case 'K': options_kind(options, value); break;
    case 'q': options->query = value; break;
    case 'e': options->expect = atoi(value); break;
    case 'w': options->warm = atof(value); break;
    case 'd': options->seconds = atof(value); break;
    case 'D': options->drain = atof(value); break;
    case 'X': options->storm = 1; break;
    case 'R': options->round = 1; break;
    case 'W': options->wait = 1; break;
    case 'L': options->timeline = 1; break;
    default:  return -1;
    }

    return 0;
}


int
options_parse(options_t *options, int argc, char **argv)
{
    int  option;

    memset(options, 0, sizeof(options_t));
    options->target.host = "127.0.0.1";
    options->target.properties = 1;
    options->target.key = "";
    options->target.place = "";
    options->target.headers = 1200;
    options->target.token = 400;
    options->ahead = 256;
    options->query = "";
    options->expect = 200;
    options->drain = 10;

    while ((option = getopt_long(argc, argv, "", options_long, NULL)) != -1) {
        if (options_take(options, option, optarg) == -1) {
            fputs(options_help, stderr);
            return -1;
        }
    }

    if (options->target.port == 0 || options->target.properties == 0
        || options->streams > options->target.properties * TARGET_SIDES
        || optind != argc)
    {
        fputs(options_help, stderr);
        return -1;
    }

    return 0;
}
