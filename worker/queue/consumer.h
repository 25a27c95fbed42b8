
/*
 * The queues: requests come out of them once, or again if whoever took
 * them left them unacknowledged.
 *
 * Acknowledgements wait for other commands and leave with them, or with the
 * read after the next that finds nothing.
 *
 * Those returning int: 0, or -1 if the connection is lost or Redis refuses;
 * conn_alive() tells which.
 */


#ifndef CONSUMER_H
#define CONSUMER_H


#include <stddef.h>
#include <stdint.h>

#include "batch.h"


/* a request delivered more often than this is given up */
#define CONSUMER_DELIVERIES   5


typedef struct {
    conn_t       *conn;
    work_t       *work;
    args_t        args;
    const char   *name;            /* among the consumers of the group */
    uint64_t      queues;          /* those read: bit k for queue k */
    unsigned      limit;           /* requests of a batch, each queue */
    int64_t       claim_ms;
    int           busy;            /* the last read found something */
    int           unsent;          /* there are acknowledgements */
    int           asked;           /* for the next requests */
    redisReply   *ahead;           /* which have come; NULL for none */
    args_t        acks[LL_QUEUES_MAX];
    char          cursors[LL_QUEUES_MAX][STATE_REQUEST_MAX];
                                   /* how far claims have looked */
} consumer_t;


void consumer_init(consumer_t *consumer, work_t *work, const char *name,
    unsigned queues, unsigned limit, int64_t claim_ms);
void consumer_free(consumer_t *consumer);

/* makes streams and groups where they are not there */
int consumer_setup(consumer_t *consumer);

/*
 * Requests may lie in queues beyond those that this worker was told of: of a
 * nginx that has, or had, more.  consumer_find() looks which there are, and
 * reads them too from then on; consumer_widen() does so with the first n.
 */
int consumer_find(consumer_t *consumer);
int consumer_widen(consumer_t *consumer, unsigned n);

/* removes what consumers that died have left in the groups */
int consumer_sweep(consumer_t *consumer);

/*
 * Asks for the next requests while the answers to other commands are still to
 * come: consumer_read() takes these then.  No other command may be sent in
 * between, but after consumer_take_ahead(), which waits for the answer and
 * keeps it.  Redis waits up to block milliseconds for the first request.
 */
int consumer_ask(consumer_t *consumer, int64_t block);
int consumer_asked(const consumer_t *consumer);
void consumer_take_ahead(consumer_t *consumer);

/*
 * Adds new requests to the batch, waiting up to block milliseconds for the
 * first, or less while acknowledgements wait too.
 */
int consumer_read(consumer_t *consumer, batch_t *batch, int64_t block);

/* forgets them: the connection that they came by has gone */
void consumer_drop_ahead(consumer_t *consumer);

/*
 * Adds what this consumer was given before its connection broke; crashed is 1
 * where it was the process that ended, so that its requests are suspect.
 */
int consumer_recover(consumer_t *consumer, batch_t *batch, int crashed);

/* adds what has been pending for too long, whoever was to do it */
int consumer_claim(consumer_t *consumer, batch_t *batch);

/* keeps others from claiming a batch that takes long */
int consumer_hold(consumer_t *consumer, const batch_t *batch);

/* notes the accepted jobs of a batch for acknowledgement */
void consumer_ack(consumer_t *consumer, const batch_t *batch);

/* acknowledges what is noted, with the next command */
int consumer_send_acks(consumer_t *consumer);

/* takes this consumer off the groups, unless something is pending for it */
void consumer_leave(consumer_t *consumer);


/* for consumer.c and claim.c only */

/* 1 if queue k is one of those read */
int consumer_reads(const consumer_t *consumer, unsigned k);

/* the start of a command about queue k and its group; sub may be NULL */
args_t *consumer_command(consumer_t *consumer, const char *name,
    const char *sub, unsigned k);

/* the reply to a command, or NULL for none or an error, which is logged */
redisReply *consumer_reply(consumer_t *consumer);

/*
 * adds a list of entries of queue k, each delivered so often (NULL: once):
 * 0, or -1
 */
int consumer_take_list(consumer_t *consumer, batch_t *batch, unsigned k,
    const redisReply *list, const long long *deliveries);


#endif /* CONSUMER_H */
