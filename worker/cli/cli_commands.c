
/* the commands and the options, as the arguments and the help know them */

#include "cli.h"
#include "url.h"


#define CLI_NO_OPTIONS   { { NULL, NULL, NULL, 0 } }


const cli_command_t  cli_commands[] = {

    { "token", "", 0, 0,
      "print a token for a user",
      "Prints a JSON web token (HS256) that nginx accepts as a user's.  The\n"
      "secret is what the file holds, less a final newline: the same file as\n"
      "in the directive leaseloft_key.\n",
      { { "--sub", "USER", "whose token it is", 1 },
        { "--ttl", "SECONDS", "how long it is valid", 1 },
        { "--key", "FILE", "file with the secret", 1 },
        { "--name", "NAME", "a name to show, as the claim \"name\"", 0 } },
      cli_token, 1 },

    { "lease put", "PROPERTY FILE", 2, 2,
      "declare the lease of a property",
      "FILE holds the declaration, a JSON object as in PUT\n"
      "/internal/properties/P/lease; \"-\" is standard input.  Doing it twice\n"
      "changes nothing.  Waits for a worker to say what became of it.\n",
      CLI_NO_OPTIONS, cli_lease_put, 0 },

    { "lease load", "FILE", 1, 1,
      "declare many leases",
      "FILE has one JSON object a line: a declaration and, with it,\n"
      "\"property\"; \"-\" is standard input.  A line that fails is named on\n"
      "standard error, and the rest goes on; the exit status is 1 then.\n",
      CLI_NO_OPTIONS, cli_lease_load, 0 },

    { "lease show", "PROPERTY", 1, 1,
      "print the leases of a property",
      "The active, the pending and the ended ones, as they were declared.\n",
      CLI_NO_OPTIONS, cli_lease_show, 0 },

    { "unread rebuild", "", 0, 0,
      "count everything unread anew",
      "Recomputes the unread counts, inboxes and totals of all users from the\n"
      "threads.  Safe at any time, with workers running or not; it changes\n"
      "nothing but what is wrong.  What is damaged is named, and the rest\n"
      "goes on; the exit status is 1 then.\n",
      CLI_NO_OPTIONS, cli_unread_rebuild, 0 },

    { "unread", "USER", 1, 1,
      "print a user's unread counts",
      "One line a thread, newest first, and the total.\n",
      CLI_NO_OPTIONS, cli_unread, 0 },

    { "dead list", "", 0, 0,
      "print the requests that workers gave up",
      "Each with its id, what it was and why it was given up.\n",
      CLI_NO_OPTIONS, cli_dead_list, 0 },

    { "dead retry", "[ID ...]", 0, -1,
      "queue them once more",
      "Those with the given ids, or all of them, in the order in which they\n"
      "first came.  Harmless if they had been carried out after all; a lease\n"
      "that was declared anew since is left as it is.\n",
      CLI_NO_OPTIONS, cli_dead_retry, 0 },

    { "dead drop", "[ID ...]", 0, -1,
      "forget them",
      "Those with the given ids, or all of them with --all, and says which.\n"
      "What they asked for never happens.\n",
      { { "--all", NULL, "all of them", 0 } }, cli_dead_drop, 0 },

    { "doctor", "", 0, 0,
      "check Redis and the workers, say what to change",
      "Checks version, persistence, eviction, limits, functions, workers, the\n"
      "queues' lag and dead letters.  The exit status is 1 if something must\n"
      "be changed.\n",
      CLI_NO_OPTIONS, cli_doctor, 0 },

    { NULL, NULL, 0, 0, NULL, NULL, CLI_NO_OPTIONS, NULL, 0 }
};


/* the order is that of cli_common_e */

const cli_option_t  cli_common[CLI_COMMON + 1] = {

    { "--redis", "URL", "unix:PATH or redis://[user:password@]host[:port];\n"
      "                    else LEASELOFT_REDIS, else " URL_DEFAULT, 0 },

    { "--prefix", "NAME", "of all keys and channels, as nginx is told; else\n"
      "                    LEASELOFT_PREFIX, else " LL_PREFIX, 0 },

    { "--queues", "N", "how many queues of requests there are (1)", 0 },

    { "--json", NULL, "print JSON", 0 },

    { "--help", NULL, "print help", 0 },

    { "--version", NULL, "print the version", 0 },

    { NULL, NULL, NULL, 0 }
};
