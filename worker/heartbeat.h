
/*
 * The heartbeat: a record that a worker writes to Redis each second, with its
 * counters and configuration (docs/data.md).  The reply names commands that the
 * worker needs and its Redis user may not run, and is an error if the data in
 * Redis has another layout than the worker's.
 *
 * In a cluster, each process of a worker writes the record of the whole worker
 * beside the home queue of its primary, and tells the others that the primary
 * answers.  Of a primary without a queue, it only asks for the time.
 */


#ifndef HEARTBEAT_H
#define HEARTBEAT_H


#include <stdint.h>

#include "consumer.h"
#include "crew.h"
#include "dispatch.h"
#include "options.h"


/* size of an error of Redis, or of a list of commands */
#define HEARTBEAT_REFUSED  200


typedef struct {
    work_t            *work;
    const consumer_t  *consumer;
    const options_t   *options;
    int64_t            started;    /* seconds since 1970 */
    const crew_seat_t *seat;       /* in a cluster, else NULL */
    unsigned           queues;     /* of an nginx, at most; 0: unknown */
    unsigned           place;      /* of this worker, from 0, among so many */
    unsigned           workers;    /* that take requests; 0: unknown */
    uint64_t           reads;      /* queues, as the last record said */
    int64_t            healthy;    /* last success, clock_monotonic() */
    int64_t            remind_at;
    char               refused[HEARTBEAT_REFUSED];
                                   /* commands, or "LAYOUT N"; empty: none */
    char               why[HEARTBEAT_REFUSED];
                                   /* the last error; empty: none */
} heartbeat_t;


/* all arguments must outlive the heartbeat; seat: NULL without a cluster */
void heartbeat_init(heartbeat_t *heartbeat, work_t *work,
    const consumer_t *consumer, const options_t *options,
    const crew_seat_t *seat);

/* sends a heartbeat, and sets the clock by the reply: the result */
conn_result_e heartbeat_send(heartbeat_t *heartbeat);

/* 1 if other processes of the worker read queues that it has not told of */
int heartbeat_has_news(const heartbeat_t *heartbeat);

/*
 * 1 while this worker must take no requests: its user lacks a right, or Redis
 * has data of another layout.  The reason is logged.
 */
int heartbeat_refused(const heartbeat_t *heartbeat);

/*
 * Refuses like that because of data of another layout, which has its version
 * under another name than the heartbeat's; until the next heartbeat.
 */
void heartbeat_refuse_layout(heartbeat_t *heartbeat, const char *layout);

/* deletes the record, when the worker exits */
void heartbeat_stop(heartbeat_t *heartbeat);


#endif /* HEARTBEAT_H */
