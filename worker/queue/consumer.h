
/*
 * This worker as a consumer of the queues: reads requests, and acknowledges
 * those that are done.  claim.h has those that were delivered before,
 * consumer_queues.h which queues are known, consumer_share.h which of them this
 * worker reads.
 *
 * Acknowledgements are sent along with other commands, or before the second
 * read in a row that finds nothing.
 *
 * Functions that return int return 0, or -1 if the connection is lost or Redis
 * refuses the command; conn_alive() tells which.
 */


#ifndef CONSUMER_H
#define CONSUMER_H


#include <stddef.h>
#include <stdint.h>

#include "batch.h"


/* a request that is delivered more often becomes a dead letter, and why */
#define CONSUMER_DELIVERIES  5
#define CONSUMER_FAILED      "delivered 5 times, never completed"


typedef struct {
    conn_t       *conn;
    work_t       *work;
    args_t        args;
    const char   *name;            /* of the consumer, in each group */
    uint64_t      queues;          /* known queues: bit k for queue k */
    uint64_t      others;          /* those of other workers */
    uint64_t      helped;          /* of these, those to be read for now */
    int           apart;           /* in a cluster: one queue is read at a time,
                                      as each is in a slot of its own */
    unsigned      turn;            /* the queue that was read last, then */
    unsigned      limit;           /* requests of a batch, of each queue */
    int64_t       claim_ms;
    int           busy;            /* the last read returned requests */
    int           acks_pending;
    int           prefetching;     /* the reply is still to be received */
    redisReply   *prefetched;      /* received, not yet in a batch; or NULL */
    args_t        acks[LL_QUEUES_MAX];
    char          cursors[LL_QUEUES_MAX][STATE_REQUEST_MAX];
                                   /* of XAUTOCLAIM; empty: from the start */

    /* consumer_share.c */
    int64_t       watch_at;        /* when to look next */
    struct {
        char      head[STATE_REQUEST_MAX];
                                   /* the oldest request; empty: none */
        int64_t   since;           /* it has been that one */
        int64_t   until;           /* the queue is helped */
    }             watched[LL_QUEUES_MAX];
} consumer_t;


/*
 * name must outlive the consumer.  queues: how many to read; limit: requests
 * of a batch, of each queue; claim_ms: how long a request is pending before
 * others may claim it.
 */
void consumer_init(consumer_t *consumer, work_t *work, const char *name,
    unsigned queues, unsigned limit, int64_t claim_ms);

/* frees what the consumer holds; the connection stays */
void consumer_free(consumer_t *consumer);

/* 1 if there are queues to be read now */
int consumer_has_queues(const consumer_t *consumer);

/*
 * Sends the next read while replies to other commands are still outstanding;
 * consumer_read() then uses its reply.  Until consumer_prefetch_wait() no other
 * command may be sent.  Redis blocks up to block milliseconds for the first
 * request; 0: it does not block.
 */
int consumer_prefetch(consumer_t *consumer, int64_t block);

/* 1 while a prefetch is outstanding, or its reply is not yet in a batch */
int consumer_prefetching(const consumer_t *consumer);

/* waits for the reply to the prefetch and keeps it */
void consumer_prefetch_wait(consumer_t *consumer);

/* 1 if the reply is there and has requests; one without any is forgotten */
int consumer_prefetched(consumer_t *consumer);

/* forgets the prefetch, when the connection is lost */
void consumer_prefetch_drop(consumer_t *consumer);

/*
 * Adds new requests to the batch.  Waits up to block milliseconds for the
 * first one, or less while acknowledgements are pending.
 */
int consumer_read(consumer_t *consumer, batch_t *batch, int64_t block);

/* schedules the acknowledgement of the accepted jobs of a batch */
void consumer_ack(consumer_t *consumer, const batch_t *batch);

/* queues the commands that acknowledge, to be sent with the next command */
int consumer_send_acks(consumer_t *consumer);

/* deletes this consumer from each group in which nothing is pending for it */
void consumer_leave(consumer_t *consumer);


/* for claim.c, consumer_queues.c and consumer_share.c only */

/* 1 if queue k is known */
int consumer_reads(const consumer_t *consumer, unsigned k);

/*
 * Starts a command on queue k and its group; sub, a subcommand, may be NULL.
 * The consumer owns what is returned.
 */
args_t *consumer_command(consumer_t *consumer, const char *name,
    const char *sub, unsigned k);

/*
 * Receives the reply to a command, to be freed by the caller.  NULL: the
 * connection is lost, or Redis answered with an error, which is logged unless
 * it says that the queue has moved to another primary.
 */
redisReply *consumer_reply(consumer_t *consumer);

/*
 * Adds a list of entries of queue k to the batch; deliveries: of each entry,
 * or NULL if this is the first of all.  Invalid entries become dead letters.
 */
int consumer_take_list(consumer_t *consumer, batch_t *batch, unsigned k,
    const redisReply *list, const long long *deliveries);


#endif /* CONSUMER_H */
