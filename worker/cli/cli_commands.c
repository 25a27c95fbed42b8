
/* The tables of commands and options, for the arguments and the help. */

#include "cli_backup.h"
#include "cli_commands.h"
#include "cli_dead_drop.h"
#include "cli_dead_list.h"
#include "cli_dead_retry.h"
#include "cli_doctor.h"
#include "cli_erase.h"
#include "cli_forget.h"
#include "cli_lease_load.h"
#include "cli_lease_put.h"
#include "cli_lease_show.h"
#include "cli_purge.h"
#include "cli_record.h"
#include "cli_revoke.h"
#include "cli_search.h"
#include "cli_token.h"
#include "cli_unread.h"
#include "cli_unread_rebuild.h"
#include "cli_verify.h"
#include "common/redis_url.h"


#define CLI_NO_OPTIONS   { { NULL, NULL, NULL, 0 } }


const cli_command_t  cli_commands[] = {

    { "token", "", 0, 0,
      "print a token for a user",
      "Prints a JSON Web Token with which nginx authenticates a user.  FILE\n"
      "contains a private key in PEM: RSA (RS256), P-256 (ES256) or Ed25519\n"
      "(EdDSA), of which nginx has the public key; else a secret (HS256), as\n"
      "for the directive leaseloft_key, without its final newline.\n",
      { { "--sub", "USER", "subject of the token", 1 },
        { "--ttl", "SECONDS", "validity", 1 },
        { "--key", "FILE", "file with the private key or the secret", 1 },
        { "--name", "NAME", "display name, the claim \"name\"", 0 },
        { "--kid", "KID", "id of the key, the header \"kid\"", 0 },
        { "--iss", "NAME", "the claim \"iss\", as leaseloft_issuer", 0 },
        { "--aud", "NAME", "the claim \"aud\", as leaseloft_audience", 0 } },
      cli_token, 1 },

    { "lease put", "PROPERTY FILE", 2, 2,
      "declare the lease of a property",
      "FILE contains the declaration, a JSON object as in\n"
      "PUT /internal/properties/P/lease; \"-\" is standard input.  Waits for\n"
      "a worker's verdict.  Repeating a declaration has no effect.\n",
      CLI_NO_OPTIONS, cli_lease_put, 0 },

    { "lease load", "FILE", 1, 1,
      "declare many leases",
      "FILE contains one JSON object a line: a declaration with the member\n"
      "\"property\"; \"-\" is standard input.  Lines that fail are reported\n"
      "on standard error; the others are declared, and the exit status is 1.\n",
      CLI_NO_OPTIONS, cli_lease_load, 0 },

    { "lease show", "PROPERTY", 1, 1,
      "print the leases of a property",
      "Prints the ended leases, the active and the pending one, as declared.\n",
      CLI_NO_OPTIONS, cli_lease_show, 0 },

    { "unread rebuild", "", 0, 0,
      "recompute all unread counts",
      "Recomputes the unread counts, inboxes and totals of all users from the\n"
      "threads, and repairs those that are wrong, at any time, also while\n"
      "workers run.  Damaged data is reported and skipped; the exit status is\n"
      "1 then.\n",
      CLI_NO_OPTIONS, cli_unread_rebuild, 0 },

    { "unread", "USER", 1, 1,
      "print a user's unread counts",
      "Prints a line for each thread, newest first, and the total.\n",
      CLI_NO_OPTIONS, cli_unread, 0 },

    { "dead list", "", 0, 0,
      "print the requests that workers gave up",
      "Prints the id, the operation and the reason of each.\n",
      CLI_NO_OPTIONS, cli_dead_list, 0 },

    { "dead retry", "[ID ...]", 0, -1,
      "queue such requests again",
      "Queues the requests with the given ids, or all, in the order in which\n"
      "they were first queued.  A request that was already carried out has no\n"
      "effect, nor has a lease that was declared again since.\n",
      CLI_NO_OPTIONS, cli_dead_retry, 0 },

    { "dead drop", "[ID ...]", 0, -1,
      "delete such requests",
      "Deletes the requests with the given ids, or all with --all, and prints\n"
      "them.  They are never carried out.\n",
      { { "--all", NULL, "all requests", 0 } }, cli_dead_drop, 0 },

    { "search", "PROPERTY WORD ...", 2, -1,
      "find messages of a thread",
      "Prints the messages of the thread whose text contains each of the\n"
      "words, newest first: number, time, sender and text, separated by tabs.\n"
      "Words are compared without regard to case, accents and width.  A\n"
      "phrase is in double quotes, for example '\"hot water\"'.\n",
      { { "--from", "USER", "messages of this user only", 0 },
        { "--since", "TIME", "from this time on (RFC 3339)", 0 },
        { "--until", "TIME", "up to this time", 0 } },
      cli_search, 0 },

    { "record", "PROPERTY", 1, 1,
      "print the record of a thread",
      "Prints all entries of the thread and its read marks as a record that\n"
      "\"verify\" and others can verify; see docs/record.md.  With --as, they\n"
      "are those that this user may see.  With the key, its checkpoint is\n"
      "signed.\n",
      { { "--record-key", "FILE", "Ed25519 private key, in PEM", 0 },
        { "--origin", "NAME", "name of the key", 0 },
        { "--as", "USER", "only what this user may see", 0 } },
      cli_record, 0 },

    { "verify", "FILE", 1, 1,
      "verify a record",
      "FILE is a record, as docs/record.md describes it; \"-\" is\n"
      "standard input.  Names the first entry that was changed, is missing\n"
      "or is out of place, and exits with 1 then.  Needs no network and no\n"
      "Redis.  Without a key, signatures are not verified.\n",
      { { "--key", "KEY", "public key of the service, or a file with it", 0 },
        { "--checkpoint", "NOTE", "an older checkpoint, or a file with it",
          0 } },
      cli_verify, 1 },

    { "erase", "PROPERTY SEQ", 2, 2,
      "erase the text of a message",
      "Erases what the message SEQ says, who sent it and its salt, for good.\n"
      "All readers see that an entry was erased; records can be verified as\n"
      "before.  The reason is logged on standard error, and stored nowhere.\n"
      "Repeating it has no effect.\n",
      { { "--reason", "TEXT", "why, for the log", 1 } },
      cli_erase, 0 },

    { "purge", "PROPERTY", 1, 1,
      "delete a property with everything of it",
      "Deletes the thread, leases, read marks, counters and dead letters of\n"
      "the property, and the thread from all inboxes.  Open streams end.  If\n"
      "the command is interrupted, repeat it.  A declaration of a lease that\n"
      "follows begins a new thread.\n",
      { { "--dry-run", NULL, "only print what would be deleted", 0 } },
      cli_purge, 0 },

    { "forget", "USER", 1, 1,
      "forget a person",
      "Replaces the name of the user by the id where ended leases and closed\n"
      "windows have it, ends all windows of the user, and revokes the\n"
      "tokens.  With --texts, erases all messages of the user, as\n"
      "\"erase\" does.  Refused while the user is on an active or pending\n"
      "lease.  If the command is interrupted, repeat it.\n",
      { { "--texts", NULL, "erase the user's messages; needs --reason", 0 },
        { "--reason", "TEXT", "why, for the log", 0 },
        { "--dry-run", NULL, "only print what would be done", 0 } },
      cli_forget, 0 },

    { "revoke", "USER", 1, 1,
      "refuse a user's tokens",
      "Refuses all tokens that were issued to the user until now, and ends\n"
      "their streams within a second.  Tokens that are issued later, as their\n"
      "claim \"iat\" says, are valid.  This is held for the time of --ttl,\n"
      "which must be as long as such tokens are valid.\n",
      { { "--ttl", "SECONDS", "default 2592000, 30 days", 0 },
        { "--lift", NULL, "accept the tokens again", 0 } },
      cli_revoke, 0 },

    { "backup", "DIR", 1, 1,
      "back up Redis's append-only files",
      "Copies the append-only files of a Redis on this machine to DIR/TIME\n"
      "while it runs, and verifies the copy by loading it into a\n"
      "redis-server of its own (a valkey-server if the server is Valkey),\n"
      "which takes as much memory as Redis.\n"
      "Automatic rewrites of the files are disabled during the copy.\n"
      "Of a Redis Cluster, all primaries on this machine are copied; run the\n"
      "command on the machines of the others, too.\n",
      { { "--redis-server", "PATH", "the program to load it", 0 },
        { "--node", "HOST:PORT", "only this primary of a cluster", 0 } },
      cli_backup, 0 },

    { "doctor", "", 0, 0,
      "check Redis, nginx and the workers",
      "Checks Redis's version, persistence, eviction, limits and functions,\n"
      "its machine, nginx, the workers, the queues and a sample of the data.\n"
      "The exit status is 0 if all is fine, 1 for advice, 2 for a fault, 3\n"
      "if something cannot be checked.  With --url, a stream is opened\n"
      "through whatever is in front of nginx, for up to 25 seconds; FILE\n"
      "contains a token, such as \"leaseloft token\" prints.\n",
      { { "--url", "URL", "check streams at this site, https or http", 0 },
        { "--token", "FILE", "file with a token, for --url", 0 },
        { "--ca", "FILE", "CAs of the site's certificate, in PEM", 0 },
        { "--redis-dir", "DIR", "where Redis has its files, to look at their "
          "disk\n"
          "                    if it is down; default /var/lib/leaseloft",
          0 } },
      cli_doctor, 0 },

    { NULL, NULL, 0, 0, NULL, NULL, CLI_NO_OPTIONS, NULL, 0 }
};


/* in the order of cli_common_e */

const cli_option_t  cli_common[CLI_COMMON + 1] = {

    { "--redis", "URL", "unix:PATH, redis://[user:password@]host[:port],\n"
      "                    redis+sentinel://[user:password@]host[:port],.../"
      "NAME or\n"
      "                    redis+cluster://[user:password@]host[:port],...;\n"
      "                    rediss in place of redis for TLS;\n"
      "                    default LEASELOFT_REDIS, or "
      LL_REDIS_URL_DEFAULT, 0 },

    { "--redis-password-file", "FILE", "the password, instead of one in the "
      "URL;\n"
      "                    default LEASELOFT_REDIS_PASSWORD_FILE", 0 },

    { "--redis-ca", "FILE", "for TLS: CAs that sign Redis's certificate, in "
      "PEM;\n"
      "                    default LEASELOFT_REDIS_CA, or those of the system",
      0 },

    { "--redis-cert", "FILE", "for TLS: a client certificate, in PEM;\n"
      "                    default LEASELOFT_REDIS_CERT", 0 },

    { "--redis-key", "FILE", "for TLS: the key of --redis-cert, in PEM;\n"
      "                    default LEASELOFT_REDIS_KEY", 0 },

    { "--redis-name", "NAME", "for TLS: name in Redis's certificate;\n"
      "                    default LEASELOFT_REDIS_NAME, or the host", 0 },

    { "--prefix", "NAME", "of all keys and channels, as leaseloft_prefix;\n"
      "                    default LEASELOFT_PREFIX, or " LL_PREFIX, 0 },

    { "--queues", "N", "number of queues, as leaseloft_queues; default 1", 0 },

    { "--json", NULL, "print JSON", 0 },

    { "--help", NULL, "print help", 0 },

    { "--version", NULL, "print the version", 0 },

    { NULL, NULL, NULL, 0 }
};
