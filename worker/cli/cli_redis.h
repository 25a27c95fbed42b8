
/* Redis, as commands use it: a connection, commands and keys. */


#ifndef CLI_REDIS_H
#define CLI_REDIS_H


#include "cli.h"


/*
 * Connects cli->conn, and checks the layout.  Returns 0, or -1 after an error
 * message.
 */
int cli_redis_connect(cli_t *cli);

/*
 * Returns 0 if the data has the layout of this version, or if Redis does not
 * tell; else -1, with the reason in cli->why.  In a cluster, k is the queue
 * that the layout is beside.
 */
int cli_redis_layout(cli_t *cli, unsigned k);

/*
 * Opens another connection to the same Redis, to be freed by conn_free(); in a
 * cluster, one at a time, to the primary that has a key.  Returns NULL with the
 * reason in cli->why.
 */
conn_t *cli_redis_open(cli_t *cli, const char *key);

/*
 * Returns cli->conn; in a cluster, sets it to the connection to the primary of
 * a property, for entries_init().  That may be one that is not connected, and
 * says why.
 */
conn_t *cli_redis_property(cli_t *cli, const char *property);

/* Returns the queue of a property's requests; -1 with cli->why. */
int cli_redis_queue(cli_t *cli, const char *property);

/*
 * Sends the command in args, resets args, and returns the reply, to be freed
 * by freeReplyObject().  Returns NULL if there is no reply or if it is an
 * error; cli->why is the reason then.
 */
redisReply *cli_redis_try(cli_t *cli, args_t *args);

/* The same, but prints the reason. */
redisReply *cli_redis_call(cli_t *cli, args_t *args);

/*
 * Returns 1 if the last failure concerns that command alone, so that a caller
 * with many items can continue; 0 if other commands would fail too.
 */
int cli_redis_can_continue(const cli_t *cli);

/*
 * Copies VALUE of NAME:VALUE to dst, in a text of such fields separated by sep,
 * such as the lines of INFO; "" if there is no such name.
 */
void cli_redis_value(const char *text, char sep, const char *name, char *dst,
    size_t size);

/* Returns the number after a name in the text of INFO; 0 if there is none. */
long long cli_redis_number(const char *info, const char *name);

/* Appends FCALL with the keys of queue k and its dead letters; see fcall.h. */
void cli_redis_queue_call(args_t *args, const char *function, unsigned k);

typedef int (*cli_redis_each_pt)(void *data, const char *id);

/*
 * Calls "each" with the id in each key PREFIX:{KIND:ID}:SUFFIX, found by SCAN,
 * which may return a key more than once; in a cluster, of all primaries, which
 * must have all slots, but not of slots that move meanwhile.  Stops when the
 * callback returns other than 0, and returns that; returns -1 after an error
 * message if Redis fails.
 */
int cli_redis_each(cli_t *cli, char kind, const char *suffix,
    cli_redis_each_pt each, void *data);

/*
 * Calls "each" with ids of up to some thousand keys, beginning at a random
 * place, until it returns other than 0.  Returns as cli_redis_each(), but
 * prints nothing: -1 has the reason in cli->why.
 */
int cli_redis_sample(cli_t *cli, char kind, const char *suffix,
    cli_redis_each_pt each, void *data);

/* Returns the text of element i of a reply, or "". */
const char *cli_redis_text(const redisReply *reply, size_t i);


#endif /* CLI_REDIS_H */
